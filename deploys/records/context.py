"""DomainContext, the input of every record: one domain, and the host that serves it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal

from deploys.records.options import DomainRecords

Service = Literal["imap", "imaps", "pop3", "pop3s", "submission", "submissions", "sieve"]


@dataclass(frozen=True)
class DomainContext:
    """All names are host names without a final dot.

    ``domains``: every mail domain of the host, in their order. ``v4``, ``v6``: the host's addresses as others see them.
    ``dkim``: selector to public key (DER, SubjectPublicKeyInfo).
    ``host_dkim``: likewise, of the host's own name.
    ``tlsa``: SHA-256 of the public keys (SubjectPublicKeyInfo) that port 25 shows now and will show next, in hex.
    ``pages``: whether the host serves what mta-sts, autoconfig and autodiscover lead to; else they are not published.
    ``reports_for``: other domains whose DMARC reports go to an address of this domain.
    """

    domain: str
    hostname: str
    v4: tuple[str, ...] = ()
    v6: tuple[str, ...] = ()
    domains: Collection[str] = ()
    webmail: str | None = None
    offered: frozenset[Service] = frozenset(("imaps", "submissions"))
    dkim: Mapping[str, bytes] = field(default_factory=dict)
    host_dkim: Mapping[str, bytes] = field(default_factory=dict)
    tlsa: tuple[str, ...] = ()
    pages: bool = True
    reports_for: tuple[str, ...] = ()
    settings: DomainRecords = field(default_factory=DomainRecords)

    @property
    def addresses(self) -> tuple[str, ...]:
        """The host's addresses, IPv4 first."""
        return (*self.v4, *self.v6)

    @property
    def zone(self) -> str:
        """The zone that holds the domain."""
        return self.settings.dns.zone or self.domain

    @property
    def ttl(self) -> int:
        """Seconds that others may remember a record."""
        return self.settings.dns.ttl
