"""The DNS as it is, against the DNS as declared: every line of it, with what to do."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from deploys.proof.line import Check, Line
from deploys.records import whole
from deploys.records.blocklists import blocklist_lines
from deploys.records.compare import ROOM, alias_line, record_line
from deploys.records.delegation import dnssec_line, mx_line, soa_line
from deploys.records.nameservers import Elsewhere, at, name_server_lines
from deploys.records.record import Record
from deploys.records.resolver import Ask
from deploys.records.reverse import helo_line, reverse_lines
from deploys.records.spf import spf_line
from deploys.records.subject import Subject


def check(
    subjects: Sequence[Subject], blocklists: Sequence[str], ask: Ask, now: float, elsewhere: Elsewhere = at
) -> tuple[Line, ...]:
    """The host's lines, then each domain's, then each name server's. ``ask``: a ``Resolver``'s; ``now``: seconds
    since 1970; ``elsewhere``: how to ask a name server at its address."""
    if not subjects:
        return ()
    zones = whole.by_zone(whole.everything(subjects), [subject.zone for subject in subjects])
    found = (
        *check_host(whole.primary(subjects), blocklists, ask),
        *(line for subject in subjects for line in check_domain(subject, ask, now)),
        *(line for zone, inside in zones.items() if zone for line in name_server_lines(zone, inside, ask, elsewhere)),
    )
    return tuple({line.key: line for line in found}.values())  # two domains in one zone ask the same of it


def check_host(subject: Subject, blocklists: Sequence[str], ask: Ask) -> tuple[Line, ...]:
    """The host's own records, its name, its addresses' reverse names, and the blocklists."""
    sending = (*subject.addresses, *subject.outbound)
    return (
        *(_line(record, subject, ask) for record in whole.of_host(subject)),
        helo_line(subject.hostname, subject.addresses, ask),
        *reverse_lines(sending, subject.hostname, ask),
        *blocklist_lines(filter(is_public, sending), blocklists, ask),
    )


def check_domain(subject: Subject, ask: Ask, now: float) -> tuple[Line, ...]:
    """One domain: found at all, every record, and the limits that a correct record can still break."""
    return (
        soa_line(subject.domain, subject.zone, ask),
        dnssec_line(subject.zone, bool(subject.tlsa), ask, now),
        *(_line(record, subject, ask) for record in whole.of_domain(subject)),
        *_keys(subject),
        mx_line(subject.domain, subject.hostname, subject.addresses, ask),
        spf_line(subject.domain, ask),
    )


def is_public(address: str) -> bool:
    """Whether the internet can reach it."""
    return ipaddress.ip_address(address).is_global  # nobody lists a private network


def _keys(subject: Subject) -> tuple[Line, ...]:
    """A selector that signs and has no key on the host: there is no record to compare."""
    selector = subject.words.dkim.selector
    if selector in subject.dkim:
        return ()
    name = f"{selector}._domainkey.{subject.domain}"
    about = Check(f"dns.dkim.{name}", ROOM, f"DKIM {name}", "a key on the host")
    return (about.line("none", False, "run deploys/mail.py, which makes it"),)


def _line(record: Record, subject: Subject, ask: Ask) -> Line:
    if record.type == "CNAME":
        served = [value for kind in ("A", "AAAA") for value in ask(record.name, kind).values]
        return alias_line(record, ask(record.name, "CNAME"), served, subject.addresses)
    return record_line(record, ask(record.name, record.type))
