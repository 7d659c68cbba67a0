"""The DNS as it is, against the DNS as declared: every result of it, with what to do."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache

from deploys.records import all_records
from deploys.records.blocklists import blocklist_results
from deploys.records.compare import GROUP, alias_result, record_result
from deploys.records.context import DomainContext
from deploys.records.delegation import dnssec_result, mx_result, soa_result
from deploys.records.nameservers import Elsewhere, at, name_server_results
from deploys.records.record import Record, is_below
from deploys.records.resolver import Ask
from deploys.records.reverse import helo_result, is_public, reverse_results, unreachable
from deploys.records.spf import spf_result
from deploys.result import Check, CheckResult


def check(
    contexts: Sequence[DomainContext],
    blocklists: Sequence[str],
    ask: Ask,
    now: float,
    elsewhere: Elsewhere = at,
    say: Callable[[str], None] = lambda text: None,
) -> tuple[CheckResult, ...]:
    """What keeps all else from being found first, then the host's results, each domain's, each name server's.

    ``ask``: a ``Resolver``'s; ``now``: seconds since 1970; ``elsewhere``: how to ask a name server at its address;
    ``say``: whom to tell what is being asked now.
    """
    if not contexts:
        return ()
    silent = resolver_results(ask)
    soa = {context.domain: soa_result(context.domain, context.zone, ask) for context in contexts}
    lost = {one.zone: soa[one.domain] for one in contexts if soa[one.domain].ok is False}
    say(f"asking about {len(contexts)} domains and the host's name")
    found = [*silent, *soa.values(), *check_host(all_records.primary(contexts), ask, lost)]
    found += [result for context in contexts for result in check_domain(context, ask, now, lost)]
    zones = all_records.by_zone(all_records.everything(contexts), [context.zone for context in contexts])
    say(f"asking the name servers of {', '.join(zone for zone in zones if zone)}")
    asking = cache(elsewhere)
    for zone, inside in zones.items():
        if zone and zone not in lost:
            found += name_server_results(zone, inside, ask, asking)
    say(f"asking {len(blocklists)} blocklists")
    host = all_records.primary(contexts)
    found += blocklist_results(filter(is_public, host.addresses), blocklists, ask)
    found = [waiting(result, silent[0]) if silent and result not in silent else result for result in found]
    return tuple({result.key: result for result in found}.values())  # two domains in one zone ask the same of it


def resolver_results(ask: Ask) -> list[CheckResult]:
    """A result where nobody answers, or nobody can: one quick question before all others."""
    answer = ask(".", "NS")
    about = Check("dns.resolver", GROUP, "the resolver asked", "answers")
    if not answer.silent:
        return []
    remedy = "say in dns.resolver whom this workstation may ask, or dns.verify: false"
    return [about.result(f"no answer ({answer.reason})", None, remedy)]


def waiting(result: CheckResult, cause: CheckResult) -> CheckResult:
    """What nobody can know before the cause is fixed."""
    return replace(result, seen=f"depends on: {cause.what}", ok=None, remedy="")


def check_host(context: DomainContext, ask: Ask, lost: Mapping[str, CheckResult]) -> tuple[CheckResult, ...]:
    """The host's own records, its name, its addresses' reverse names. ``lost``: zones that do not exist."""
    helo = helo_result(context.hostname, context.addresses, ask)
    gone = _gone(context.hostname, lost)
    return (
        *(_result(record, context, ask, lost) for record in all_records.of_host(context)),
        waiting(helo, gone) if gone else helo,
        *reverse_results(context.addresses, context.hostname, ask),
    )


def check_domain(
    context: DomainContext, ask: Ask, now: float, lost: Mapping[str, CheckResult]
) -> tuple[CheckResult, ...]:
    """One domain: every record, and the limits that a correct record can still break."""
    found = (
        dnssec_result(context.zone, bool(context.tlsa), ask, now),
        *(_result(record, context, ask, lost) for record in all_records.of_domain(context)),
        mx_result(context.domain, context.hostname, context.addresses, ask),
        spf_result(context.domain, ask),
    )
    gone = lost.get(context.zone)
    return (*(waiting(result, gone) if gone else result for result in found), *_keys(context))


def _gone(name: str, lost: Mapping[str, CheckResult]) -> CheckResult | None:
    """Why a name cannot be found: the innermost of our zones that holds it does not exist."""
    return next((lost[zone] for zone in sorted(lost, key=len, reverse=True) if is_below(name, zone)), None)


def _keys(context: DomainContext) -> tuple[CheckResult, ...]:
    """A selector that signs and has no key on the host: there is no record to compare."""
    selector = context.settings.dkim.selector
    if selector in context.dkim:
        return ()
    name = f"{selector}._domainkey.{context.domain}"
    about = Check(f"dns.dkim.{name}", GROUP, f"DKIM {name}", "a key on the host")
    return (about.result("none", False, "run deploys/mail.py, which makes it"),)


def _result(record: Record, context: DomainContext, ask: Ask, lost: Mapping[str, CheckResult]) -> CheckResult:
    result = _compared(record, context, ask)
    if gone := _gone(record.name, lost):
        return waiting(result, gone)
    if record.type in ("A", "AAAA") and result.ok and not result.remedy:
        return replace(result, remedy=unreachable(record.values))
    return result


def _compared(record: Record, context: DomainContext, ask: Ask) -> CheckResult:
    if record.type == "CNAME":
        served = [value for kind in ("A", "AAAA") for value in ask(record.name, kind).values]
        return alias_result(record, ask(record.name, "CNAME"), served, context.addresses)
    return record_result(record, ask(record.name, record.type))
