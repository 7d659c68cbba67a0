"""Blocklists, and the answers that look like a listing and are none (RFC 5782)."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from deploys.records.compare import GROUP
from deploys.records.resolver import Answer, Ask
from deploys.records.reverse import reverse_name
from deploys.result import Check, CheckResult

# Spamhaus' codes for "this question was not counted"; other lists follow them.
# https://www.spamhaus.org/resource-hub/dnsbl/using-our-public-mirrors-check-your-return-codes-now/
ERRORS = {
    "127.255.255.252": "the list's name is misspelt",
    "127.255.255.254": "the list does not answer public or nameless resolvers",
    "127.255.255.255": "this resolver asked too often",
}
OWN_RESOLVER = "declare a resolver of your own (dns.resolver), or look by hand"
ALWAYS_LISTED, NEVER_LISTED = "127.0.0.2", "127.0.0.1"  # RFC 5782, section 5
POLICY = {"127.0.0.10", "127.0.0.11"}  # Spamhaus PBL: a range that its owner says sends no mail


def blocklist_results(addresses: Iterable[str], lists: Iterable[str], ask: Ask) -> tuple[CheckResult, ...]:
    """One result for each address and list."""
    return tuple(
        blocklist_result(
            address,
            zone,
            ask(listing(address, zone), "A"),
            ask(listing(ALWAYS_LISTED, zone), "A"),
            ask(listing(NEVER_LISTED, zone), "A"),
        )
        for zone in lists
        for address in addresses
    )


def listing(address: str, zone: str) -> str:
    """The name to ask for: ``1.2.0.192.zen.spamhaus.org``."""
    reverse = reverse_name(address).removesuffix(".in-addr.arpa").removesuffix(".ip6.arpa")
    return f"{reverse}.{zone}"


def blocklist_result(address: str, zone: str, answer: Answer, always: Answer, never: Answer) -> CheckResult:
    """Whether ``zone`` lists ``address``. ``always`` and ``never``: its answers for the two test addresses, without
    which a dead list looks like a clean slate, and a list taken over by a wildcard like a catastrophe."""
    expected = "not listed"
    about = Check(f"dns.blocklist.{zone}.{address}", GROUP, f"blocklist {zone} {address}", expected)
    if (reason := _no_answer(answer) or _no_answer(always)) is not None:
        return about.result(reason, None, OWN_RESOLVER)
    if not always.values or never.values:
        remedy = f"take {zone} out of blocklists if it stays so"
        return about.result("the list lists nothing, or everything: it is dead", None, remedy)
    if not answer.values:
        return about.result(expected, True)
    return about.result(f"listed ({', '.join(answer.values)})", False, _remedy(zone, address, answer))


def _no_answer(answer: Answer) -> str | None:
    if answer.state == "failed":
        return f"no answer ({answer.reason})"
    for value in answer.values:
        if value in ERRORS:
            return f"{value}: {ERRORS[value]}"
        if value.startswith("127.255.255."):
            return f"{value}: an error of the list, not a listing"
        if ipaddress.ip_address(value) not in ipaddress.ip_network("127.0.0.0/8"):
            return f"{value}: not a list's answer (the resolver or the list's new owner answers everything)"
    return None


def _remedy(zone: str, address: str, answer: Answer) -> str:
    if zone.endswith("spamhaus.org"):
        link = f"https://check.spamhaus.org/results/?query={address}"
        if set(answer.values) <= POLICY:
            return f"a range that shall send no mail: release {address} at {link}, or use a relayhost"
        return f"read why and ask for removal at {link}"
    return f"look {address} up on the web site of {zone}; fix the cause, then ask for removal"
