"""The records of the host's own name: where it is, that it may send, and which key it shows."""

from __future__ import annotations

import ipaddress

from deploys.records.context import DomainContext
from deploys.records.options import Dkim
from deploys.records.record import Record, record, txt
from deploys.records.senders import dmarc_text, published


def a(context: DomainContext) -> tuple[Record, ...]:
    """IPv4 (RFC 1035)."""
    return record(context.hostname, "A", context.ttl, context.v4, "the mail server's IPv4 address")


def aaaa(context: DomainContext) -> tuple[Record, ...]:
    """IPv6 (RFC 3596)."""
    return record(context.hostname, "AAAA", context.ttl, context.v6, "the mail server's IPv6 address")


def webmail(context: DomainContext) -> tuple[Record, ...]:
    """Webmail's name, where it has one of its own."""
    if context.webmail is None:
        return ()
    return same_place(context, context.webmail, "webmail")


def host_spf(context: DomainContext) -> tuple[Record, ...]:
    """SPF of the host's name: bounces have no sender, so receivers judge them by HELO (RFC 7208, section 2.4)."""
    if context.hostname in context.domains:
        return ()  # a mail domain's own record says it already
    return record(context.hostname, "TXT", context.ttl, [txt("v=spf1 a -all")], "SPF of the host itself, for bounces")


def host_dkim(context: DomainContext) -> tuple[Record, ...]:
    """DKIM's keys of the host's name, in which bounces and cron's messages are signed."""
    if context.hostname in context.domains:
        return ()
    why = "DKIM of the host itself, for bounces"
    return published(context.hostname, Dkim().selectors, context.host_dkim, context.ttl, why)


def host_dmarc(context: DomainContext) -> tuple[Record, ...]:
    """DMARC of the host's name, under which bounces and the host's own messages are written."""
    if context.hostname in context.domains:
        return ()
    name = f"_dmarc.{context.hostname}"
    return record(name, "TXT", context.ttl, [txt(dmarc_text(context))], "DMARC of the host itself, for bounces")


def tlsa(context: DomainContext) -> tuple[Record, ...]:
    """DANE for port 25 (RFC 7672, section 3.1.1): 3 1 1, the key now and the key next. Without DNSSEC it is inert."""
    values = [f"3 1 1 {sha256.lower()}" for sha256 in context.tlsa]
    return record(
        f"_25._tcp.{context.hostname}", "TLSA", context.ttl, values, "DANE: the keys of port 25 (needs DNSSEC)"
    )


def ptr(context: DomainContext) -> tuple[Record, ...]:
    """For the provider of the addresses: each one's reverse name is the host's (RFC 1912, section 2.1)."""
    return tuple(
        Record(
            f"{ipaddress.ip_address(address).reverse_pointer}.",
            "PTR",
            context.ttl,
            (f"{context.hostname}.",),
            f"set by the hoster: the reverse name of {address}",
        )
        for address in context.addresses
    )


def same_place(context: DomainContext, name: str, why: str) -> tuple[Record, ...]:
    """``name`` leads to the host: by CNAME, or by addresses where a CNAME cannot stand (beside a domain's MX)."""
    if name == context.hostname:
        return ()
    if name in (context.domain, context.zone) or name in context.domains:
        v4 = record(name, "A", context.ttl, context.v4, why)
        return (*v4, *record(name, "AAAA", context.ttl, context.v6, why))
    return record(name, "CNAME", context.ttl, [f"{context.hostname}."], why)
