"""The DNS as it is, against the DNS as declared: every line of it, with what to do."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache

from deploys.records import all_records
from deploys.records.blocklists import blocklist_lines
from deploys.records.compare import GROUP, alias_line, record_line
from deploys.records.context import DomainContext
from deploys.records.delegation import dnssec_line, mx_line, soa_line
from deploys.records.nameservers import Elsewhere, at, name_server_lines
from deploys.records.record import Record, is_below
from deploys.records.resolver import Ask
from deploys.records.reverse import helo_line, is_public, reverse_lines, unreachable
from deploys.records.spf import spf_line
from deploys.result import Check, CheckResult


def check(
    subjects: Sequence[DomainContext],
    blocklists: Sequence[str],
    ask: Ask,
    now: float,
    elsewhere: Elsewhere = at,
    say: Callable[[str], None] = lambda text: None,
) -> tuple[CheckResult, ...]:
    """What keeps all else from being found first, then the host's lines, each domain's, each name server's.

    ``ask``: a ``Resolver``'s; ``now``: seconds since 1970; ``elsewhere``: how to ask a name server at its address;
    ``say``: whom to tell what is being asked now.
    """
    if not subjects:
        return ()
    silent = resolver_lines(ask)
    ways = {subject.domain: soa_line(subject.domain, subject.zone, ask) for subject in subjects}
    lost = {one.zone: ways[one.domain] for one in subjects if ways[one.domain].ok is False}
    say(f"asking about {len(subjects)} domains and the host's name")
    found = [*silent, *ways.values(), *check_host(all_records.primary(subjects), ask, lost)]
    found += [line for subject in subjects for line in check_domain(subject, ask, now, lost)]
    zones = all_records.by_zone(all_records.everything(subjects), [subject.zone for subject in subjects])
    say(f"asking the name servers of {', '.join(zone for zone in zones if zone)}")
    asking = cache(elsewhere)
    for zone, inside in zones.items():
        if zone and zone not in lost:
            found += name_server_lines(zone, inside, ask, asking)
    say(f"asking {len(blocklists)} blocklists")
    host = all_records.primary(subjects)
    found += blocklist_lines(filter(is_public, host.addresses), blocklists, ask)
    found = [waiting(line, silent[0]) if silent and line not in silent else line for line in found]
    return tuple({line.key: line for line in found}.values())  # two domains in one zone ask the same of it


def resolver_lines(ask: Ask) -> list[CheckResult]:
    """A line where nobody answers, or nobody can: one quick question before all others."""
    answer = ask(".", "NS")
    about = Check("dns.resolver", GROUP, "the resolver asked", "answers")
    if not answer.silent:
        return []
    remedy = "say in dns.resolver whom this workstation may ask, or dns.verify: false"
    return [about.line(f"no answer ({answer.reason})", None, remedy)]


def waiting(line: CheckResult, cause: CheckResult) -> CheckResult:
    """What nobody can know before the cause is mended."""
    return replace(line, seen=f"waits for: {cause.what}", ok=None, remedy="")


def check_host(subject: DomainContext, ask: Ask, lost: Mapping[str, CheckResult]) -> tuple[CheckResult, ...]:
    """The host's own records, its name, its addresses' reverse names. ``lost``: zones that do not exist."""
    helo = helo_line(subject.hostname, subject.addresses, ask)
    gone = _gone(subject.hostname, lost)
    return (
        *(_line(record, subject, ask, lost) for record in all_records.of_host(subject)),
        waiting(helo, gone) if gone else helo,
        *reverse_lines(subject.addresses, subject.hostname, ask),
    )


def check_domain(
    subject: DomainContext, ask: Ask, now: float, lost: Mapping[str, CheckResult]
) -> tuple[CheckResult, ...]:
    """One domain: every record, and the limits that a correct record can still break."""
    found = (
        dnssec_line(subject.zone, bool(subject.tlsa), ask, now),
        *(_line(record, subject, ask, lost) for record in all_records.of_domain(subject)),
        mx_line(subject.domain, subject.hostname, subject.addresses, ask),
        spf_line(subject.domain, ask),
    )
    gone = lost.get(subject.zone)
    return (*(waiting(line, gone) if gone else line for line in found), *_keys(subject))


def _gone(name: str, lost: Mapping[str, CheckResult]) -> CheckResult | None:
    """Why a name cannot be found: the innermost of our zones that holds it does not exist."""
    return next((lost[zone] for zone in sorted(lost, key=len, reverse=True) if is_below(name, zone)), None)


def _keys(subject: DomainContext) -> tuple[CheckResult, ...]:
    """A selector that signs and has no key on the host: there is no record to compare."""
    selector = subject.settings.dkim.selector
    if selector in subject.dkim:
        return ()
    name = f"{selector}._domainkey.{subject.domain}"
    about = Check(f"dns.dkim.{name}", GROUP, f"DKIM {name}", "a key on the host")
    return (about.line("none", False, "run deploys/mail.py, which makes it"),)


def _line(record: Record, subject: DomainContext, ask: Ask, lost: Mapping[str, CheckResult]) -> CheckResult:
    line = _compared(record, subject, ask)
    if gone := _gone(record.name, lost):
        return waiting(line, gone)
    if record.type in ("A", "AAAA") and line.ok and not line.remedy:
        return replace(line, remedy=unreachable(record.values))
    return line


def _compared(record: Record, subject: DomainContext, ask: Ask) -> CheckResult:
    if record.type == "CNAME":
        served = [value for kind in ("A", "AAAA") for value in ask(record.name, kind).values]
        return alias_line(record, ask(record.name, "CNAME"), served, subject.addresses)
    return record_line(record, ask(record.name, record.type))
