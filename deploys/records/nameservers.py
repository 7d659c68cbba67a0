"""Each name server of a zone, asked by itself: a secondary that lags loses mail that no resolver's cache shows."""

from __future__ import annotations

from collections.abc import Callable

from deploys.records.compare import GROUP, meaning
from deploys.records.record import Record
from deploys.records.resolver import Answer, Ask, Resolver
from deploys.result import Check, CheckResult

Elsewhere = Callable[[str], Ask]


def at(address: str) -> Ask:
    """Questions to the name server at ``address``."""
    return Resolver(address, timeout=2.0).ask


def name_server_results(
    zone: str, records: tuple[Record, ...], ask: Ask, elsewhere: Elsewhere = at
) -> tuple[CheckResult, ...]:
    """One result a name server: it answers for the zone, and holds every record that a resolver would pass on.

    ``ask``: who the name servers are, and where. ``elsewhere``: how to ask one of them.
    """
    servers = ask(zone, "NS")
    if servers.state != "found":
        seen = f"no answer ({servers.reason})" if servers.state == "failed" else "none"
        about = Check(f"dns.nameservers.{zone}", GROUP, f"name servers {zone}", "at least one")
        return (about.result(seen, None, "first the zone's SOA"),)
    kept = tuple(record for record in records if record.type != "CNAME")  # some providers serve addresses instead
    names = sorted(value.rstrip(".").lower() for value in servers.values)
    return tuple(_result(zone, name, kept, ask, elsewhere) for name in names)


def _result(zone: str, name: str, records: tuple[Record, ...], ask: Ask, elsewhere: Elsewhere) -> CheckResult:
    expected = f"all {len(records)} records"
    about = Check(f"dns.nameservers.{zone}/{name}", GROUP, f"name server {name} of {zone}", expected)
    found = [ask(name, kind) for kind in ("A", "AAAA")]
    addresses = [value for answer in found for value in answer.values]
    if not addresses and any(answer.state == "failed" for answer in found):
        return about.result("no answer on its address", None, "ask again; see dns.resolver")
    if not addresses:
        return about.result("has no address", False, f"publish an address for {name}, or take it away")
    one = elsewhere(addresses[0])
    soa = one(zone, "SOA")
    if soa.state == "failed":
        remedy = f"see that {name} runs and port 53 is open to all, by UDP and TCP"
        return about.result(f"{addresses[0]} does not answer ({soa.reason})", False, remedy)
    if soa.state != "found":
        return about.result(f"{addresses[0]} does not know the zone", False, f"serve {zone} there")
    lacking = [record for record in records if not _holds(record, one(record.name, record.type))]
    if lacking:
        named = ", ".join(f"{record.type} {record.name.rstrip('.')}" for record in lacking[:3])
        more = f" and {len(lacking) - 3} more" if len(lacking) > 3 else ""
        remedy = "if the records' own lines are red, publish them; else see why this server lags"
        return about.result(f"lacks {named}{more}", None if _all_lack(lacking, ask) else False, remedy)
    return about.result(expected, True)


def _all_lack(records: list[Record], ask: Ask) -> bool:
    """Whether the resolver finds none of them either: then they are not this one server's fault."""
    return not any(_holds(record, ask(record.name, record.type)) for record in records)


def _holds(record: Record, answer: Answer) -> bool:
    found = {meaning(rdata) for rdata in answer.rdatas}
    return {meaning(rdata) for rdata in record.rdatas} <= found
