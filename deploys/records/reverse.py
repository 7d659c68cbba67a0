"""Reverse names and HELO: what Gmail, Yahoo, Outlook and iCloud look at before the message itself."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping

from deploys.records.compare import GROUP
from deploys.records.resolver import Answer, Ask
from deploys.result import Check, CheckResult


def reverse_name(address: str) -> str:
    """``1.2.0.192.in-addr.arpa`` and its IPv6 kin."""
    return ipaddress.ip_address(address).reverse_pointer


def is_public(address: str) -> bool:
    """Whether the internet can reach it."""
    return ipaddress.ip_address(address).is_global


def unreachable(addresses: Iterable[str]) -> str:
    """What to say of those addresses that the internet cannot reach; nothing where it reaches all."""
    private = [address for address in addresses if not is_public(address)]
    if not private:
        return ""
    return f"the internet cannot reach {', '.join(private)}: if others see another address, say that in dns.addresses"


def kind_of(address: str) -> str:
    """A or AAAA."""
    return "A" if ipaddress.ip_address(address).version == 4 else "AAAA"


def reverse_results(addresses: Iterable[str], hostname: str, ask: Ask) -> tuple[CheckResult, ...]:
    """One result an address: its reverse name is the host's, and that name leads back to it."""
    results = []
    for address in addresses:
        pointer = ask(reverse_name(address), "PTR")
        forward = {name: ask(name, kind_of(address)) for name in pointer.values}
        results.append(reverse_result(address, hostname, pointer, forward))
    return tuple(results)


def reverse_result(address: str, hostname: str, pointer: Answer, forward: Mapping[str, Answer]) -> CheckResult:
    """Forward-confirmed reverse DNS of one address. ``forward``: PTR's values to the answers of their A or AAAA."""
    about = Check(f"dns.ptr.{address}", GROUP, f"PTR {address}", f"{hostname}, which leads back to {address}")
    remedy = f"ask the provider of {address} to set its reverse name to exactly {hostname}"
    if ipaddress.ip_address(address).version == 6:
        remedy += "; until then let Postfix send by IPv4 alone (smtp_address_preference: ipv4)"
    if pointer.state == "failed":
        return about.result(f"no answer ({pointer.reason})", None, "ask again; see dns.resolver")
    names = {value.rstrip(".").lower() for value in pointer.values}
    seen = ", ".join(sorted(names)) or "no reverse name"
    if hostname not in names:
        return about.result(seen, False, "; else ".join(filter(None, (unreachable([address]), remedy))))
    back = forward[next(value for value in pointer.values if value.rstrip(".").lower() == hostname)]
    if back.state == "failed":
        return about.result(f"{seen}, whose address has no answer ({back.reason})", None, "ask again")
    if not back.values:
        first = f"publish {kind_of(address)} {hostname} {address}"
        return about.result(f"{seen}, which leads nowhere", None, f"first {first}")
    if address not in back.values:
        found = ", ".join(back.values) or "nothing"
        publish = f"publish {kind_of(address)} {hostname} {address}"
        return about.result(f"{seen}, which leads to {found}", False, publish)
    private = unreachable([address])
    several = f"leave {hostname} alone; further reverse names confuse receivers" if len(names) > 1 else ""
    return about.result(seen, True, "; ".join(filter(None, (several, private))))


def helo_result(hostname: str, addresses: Iterable[str], ask: Ask) -> CheckResult:
    """The name that the host says in EHLO leads to every address that it sends from, and to no other, by itself."""
    wanted = set(addresses)
    answers = [ask(hostname, kind) for kind in ("A", "AAAA")]
    found = {value for answer in answers for value in answer.values}
    about = Check(f"dns.helo.{hostname}", GROUP, f"HELO {hostname}", ", ".join(sorted(wanted)))
    seen = ", ".join(sorted(found)) or "nothing"
    if failures := [answer.reason for answer in answers if answer.state == "failed"]:
        return about.result(f"no answer ({failures[0]})", None, "ask again; see dns.resolver")
    if any(answer.alias for answer in answers):
        return about.result(f"an alias, to {seen}", False, f"give {hostname} addresses of its own, no CNAME")
    if missing := sorted(wanted - found):
        records = "; ".join(f"publish {kind_of(address)} {hostname} {address}" for address in missing)
        return about.result(seen, None, f"first {records}")  # their own results are red
    if extra := sorted(found - wanted):
        remedy = f"take away {', '.join(extra)}, or say it in addresses if it is this host"
        return about.result(seen, False, remedy)
    return about.result(seen, True)
