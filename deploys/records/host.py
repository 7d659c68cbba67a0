"""The records of the host's own name: where it is, that it may send, and which key it shows."""

from __future__ import annotations

import ipaddress

from deploys.records.context import DomainContext
from deploys.records.options import Dkim
from deploys.records.record import Record, record, txt
from deploys.records.senders import dmarc_text, published


def a(subject: DomainContext) -> tuple[Record, ...]:
    """IPv4 (RFC 1035)."""
    return record(subject.hostname, "A", subject.ttl, subject.v4, "the mail server's IPv4 address")


def aaaa(subject: DomainContext) -> tuple[Record, ...]:
    """IPv6 (RFC 3596)."""
    return record(subject.hostname, "AAAA", subject.ttl, subject.v6, "the mail server's IPv6 address")


def webmail(subject: DomainContext) -> tuple[Record, ...]:
    """Webmail's name, where it has one of its own."""
    if subject.webmail is None:
        return ()
    return same_place(subject, subject.webmail, "webmail")


def host_spf(subject: DomainContext) -> tuple[Record, ...]:
    """SPF of the host's name: bounces have no sender, so receivers judge them by HELO (RFC 7208, section 2.4)."""
    if subject.hostname in subject.domains:
        return ()  # a mail domain's own record says it already
    return record(subject.hostname, "TXT", subject.ttl, [txt("v=spf1 a -all")], "SPF of the host itself, for bounces")


def host_dkim(subject: DomainContext) -> tuple[Record, ...]:
    """DKIM's keys of the host's name, in which bounces and cron's messages are signed."""
    if subject.hostname in subject.domains:
        return ()
    why = "DKIM of the host itself, for bounces"
    return published(subject.hostname, Dkim().selectors, subject.host_dkim, subject.ttl, why)


def host_dmarc(subject: DomainContext) -> tuple[Record, ...]:
    """DMARC of the host's name, under which bounces and the host's own messages are written."""
    if subject.hostname in subject.domains:
        return ()
    name = f"_dmarc.{subject.hostname}"
    return record(name, "TXT", subject.ttl, [txt(dmarc_text(subject))], "DMARC of the host itself, for bounces")


def tlsa(subject: DomainContext) -> tuple[Record, ...]:
    """DANE for port 25 (RFC 7672, section 3.1.1): 3 1 1, the key now and the key next. Without DNSSEC it is inert."""
    values = [f"3 1 1 {sha256.lower()}" for sha256 in subject.tlsa]
    return record(
        f"_25._tcp.{subject.hostname}", "TLSA", subject.ttl, values, "DANE: the keys of port 25 (needs DNSSEC)"
    )


def ptr(subject: DomainContext) -> tuple[Record, ...]:
    """Advice for whoever owns the addresses: each one's reverse name is the host's (RFC 1912, section 2.1)."""
    return tuple(
        Record(
            f"{ipaddress.ip_address(address).reverse_pointer}.",
            "PTR",
            subject.ttl,
            (f"{subject.hostname}.",),
            f"set by the hoster: the reverse name of {address}",
        )
        for address in subject.addresses
    )


def same_place(subject: DomainContext, name: str, why: str) -> tuple[Record, ...]:
    """``name`` leads to the host: by CNAME, or by addresses where a CNAME cannot stand (beside a domain's MX)."""
    if name == subject.hostname:
        return ()
    if name in (subject.domain, subject.zone) or name in subject.domains:
        v4 = record(name, "A", subject.ttl, subject.v4, why)
        return (*v4, *record(name, "AAAA", subject.ttl, subject.v6, why))
    return record(name, "CNAME", subject.ttl, [f"{subject.hostname}."], why)
