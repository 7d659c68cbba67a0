"""What mail programs must know of one server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import idna

from deploys.values import ports

Kind = Literal["imap", "pop3", "smtp"]


@dataclass(frozen=True)
class Server:
    """What a mail program connects to: ``tls`` from the first byte, or after STARTTLS."""

    kind: Kind
    port: int
    tls: Literal["SSL", "STARTTLS"]

    @property
    def wording(self) -> str:
        """The encryption as people choose it in a mail program."""
        return "SSL/TLS" if self.tls == "SSL" else "STARTTLS"


# TLS from the first byte before STARTTLS (RFC 8314, 3.2), IMAP before POP3.
_READING = {
    "imap": (Server("imap", ports.IMAPS, "SSL"), Server("imap", ports.IMAP, "STARTTLS")),
    "pop3": (Server("pop3", ports.POP3S, "SSL"), Server("pop3", ports.POP3, "STARTTLS")),
}
SENDING = (Server("smtp", ports.SUBMISSIONS, "SSL"), Server("smtp", ports.SUBMISSION, "STARTTLS"))


@dataclass(frozen=True)
class Site:
    """``domains``: whose people's mail programs ask. ``title``: what they see, or nothing: then the domain. ``page``:
    where people look, as a browser names it, without a slash at the end."""

    hostname: str
    domains: tuple[str, ...]
    protocols: tuple[str, ...]
    title: str
    page: str
    sieve: bool = False

    @property
    def spellings(self) -> dict[str, str]:
        """Every domain in A-labels, by each spelling."""
        return {**{idna.decode(domain): domain for domain in self.domains}, **{name: name for name in self.domains}}

    @property
    def reading(self) -> tuple[Server, ...]:
        """How messages are read, the best one first."""
        return tuple(
            server for protocol in ("imap", "pop3") if protocol in self.protocols for server in _READING[protocol]
        )
