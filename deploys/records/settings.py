"""What may be said about a domain's records in the DNS, and how they are published."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, StrictStr, model_validator

from deploys.records.tsig import TsigKey, resolve
from deploys.settings import Settings
from deploys.values import Address, Domain, HostName, Port

BLOCKLISTS = ("zen.spamhaus.org", "bl.spamcop.net", "psbl.surriel.com")


def ip_address(text: str) -> str:
    """The canonical form of one IPv4 or IPv6 address."""
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise ValueError(f"{text!r} is not an address; write one such as 192.0.2.1 or 2001:db8::1") from None


def dns_name(text: str) -> str:
    """A name in the DNS that is no host's, such as ``_spf.example.net``: underscores are welcome."""
    name = text.lower()
    if not re.fullmatch(r"(?=.{1,253}$)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z0-9-]+", name):
        raise ValueError(f"{text!r} is not a name in the DNS; write one such as _spf.example.net")
    return name


IpAddress = Annotated[StrictStr, AfterValidator(ip_address)]
DnsName = Annotated[StrictStr, AfterValidator(dns_name)]
Seconds = Annotated[int, Field(ge=60, le=31_557_600)]  # 31557600: the most that RFC 8461 allows for max_age


class Dns(Settings):
    """How the records reach the DNS: as files for a person or a tool, or by RFC 2136 to a server of one's own.

    ``zone``: where the domain's records live, itself if not said. ``nameservers``: name: [addresses], the latter
    for those inside the zone; none said: the mail server's own name stands in the zone file.
    """

    mode: Literal["file", "rfc2136"] = "file"
    zone: Domain | None = None
    ttl: Seconds = 3600
    nameservers: dict[HostName, tuple[IpAddress, ...]] = Field(default_factory=dict)
    server: IpAddress | None = None
    port: Port = 53
    key: Annotated[TsigKey, BeforeValidator(resolve)] | None = None

    @model_validator(mode="after")
    def _has_what_its_mode_needs(self) -> Dns:
        if self.mode == "rfc2136" and (self.server is None or self.key is None):
            raise ValueError("rfc2136 needs server (its address) and key ({file: path} of what tsig-keygen printed)")
        if self.mode == "file" and (self.server is not None or self.key is not None):
            raise ValueError("server and key are read only with mode: rfc2136; say that, or take them away")
        return self


class Dmarc(Settings):
    """What others shall do with a letter that claims to be from the domain and fails (RFC 7489).

    Starts at ``none``: reports come, nothing is lost. ``rua``: who reads them, postmaster if not said.
    """

    policy: Literal["none", "quarantine", "reject"] = "none"
    rua: tuple[Address, ...] | None = None


Selector = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,50}[a-z0-9])?$")]


class Dkim(Settings):
    """``selector`` names the keys that sign; ``publish`` further ones: the last ones until their letters have all
    arrived, or the next ones until every name server has them."""

    selector: Selector = "mail"
    publish: tuple[Selector, ...] = ()

    @property
    def selectors(self) -> tuple[str, ...]:
        """Every selector to publish, the RSA key's and its Ed25519 sister's (one selector cannot hold both)."""
        return tuple(
            s for name in dict.fromkeys((self.selector, *self.publish)) for s in (name, ed25519_selector(name))
        )


class Spf(Settings):
    """``include``: those who send for the domain besides this host. ``all``: what others make of everybody else.

    ``~all`` is the default since ``-all`` lets some receivers refuse a forwarded letter before they look at its DKIM
    signature; a DMARC policy of reject refuses the forged ones all the same.
    """

    include: tuple[DnsName, ...] = ()
    all: Literal["-all", "~all", "?all"] = "~all"


class MtaSts(Settings):
    """MTA-STS (RFC 8461). ``testing`` loses no letter; ``none`` is the way back for those who still remember us."""

    mode: Literal["testing", "enforce", "none"] = "testing"
    max_age: Seconds | None = None  # seconds; a day while testing, else a week

    @property
    def remembered(self) -> int:
        """For how many seconds others keep the policy."""
        return self.max_age or (604_800 if self.mode == "enforce" else 86_400)


class Caa(Settings):
    """Which authorities may sign for the domain (RFC 8659), and whom they tell about others' attempts."""

    issue: Annotated[tuple[DnsName, ...], Field(min_length=1)]
    iodef: Address | None = None


class TlsRpt(Settings):
    """Who reads other servers' reports on TLS (RFC 8460); postmaster if not said."""

    rua: tuple[Address, ...] | None = None


class DomainRecords(Settings):
    """All that may be said for one domain. ``false`` takes a kind away."""

    dns: Dns = Dns()
    spf: Spf = Spf()
    dkim: Dkim = Dkim()
    dmarc: Dmarc = Dmarc()
    mta_sts: MtaSts | Literal[False] = MtaSts()
    tlsrpt: TlsRpt | Literal[False] = TlsRpt()
    caa: Caa | Literal[False] = False


class Records(Settings):
    """The host's words on DNS, and its domains'.

    ``addresses``: as others see the host; needed behind address translation, else read from the host. ``resolver``:
    whom ``verify`` asks (none: the workstation's own). ``tlsa``: publish the keys of port 25; only for a signed zone,
    and a certificate whose renewals keep the key until the next one is published: else a renewal turns mail away.
    ``keys``, ``next_key``: where the host keeps DKIM's keys (DOMAIN.SELECTOR.key) and the key to be served next.
    """

    addresses: tuple[IpAddress, ...] = ()
    resolver: IpAddress | None = None
    resolver_port: Port = 53
    blocklists: tuple[DnsName, ...] = BLOCKLISTS
    tlsa: bool = False
    keys: str = "/var/lib/rspamd/dkim"
    next_key: str = "/etc/ssl/posthaus/next-privkey.pem"
    domains: dict[Domain, DomainRecords] = Field(default_factory=dict)

    def of(self, domain: str) -> DomainRecords:
        """What was said for ``domain``, or what holds where nothing was."""
        return self.domains.get(domain, DomainRecords())


def ed25519_selector(selector: str) -> str:
    """The selector of the Ed25519 key that signs beside the RSA key of ``selector`` (RFC 8463, section 3)."""
    return f"{selector}-ed25519"
