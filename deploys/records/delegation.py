"""Whether the domain can be found at all: its SOA, its MX as others follow it, its signatures."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from datetime import UTC, datetime

from deploys.records.compare import GROUP
from deploys.records.resolver import Answer, Ask
from deploys.result import Check, CheckResult

ALARM = 7 * 86_400  # seconds before a signature's end; a signer renews long before


def soa_result(domain: str, zone: str, ask: Ask) -> CheckResult:
    """The domain's zone is there. Yahoo asks for SOA; a domain inside a larger zone answers with that zone's."""
    answer = ask(zone, "SOA")
    about = Check(f"dns.soa.{domain}", GROUP, f"SOA {domain}", f"{zone} is delegated")
    if answer.state == "failed":
        remedy = f"ask {zone}'s name servers by hand: dig SOA {zone}; see dns.resolver"
        return about.result(f"no answer ({answer.reason})", None, remedy)
    if answer.state != "found":
        seen = "the domain does not exist" if answer.state == "nxdomain" else "no zone of its own"
        return about.result(seen, False, f"delegate {zone} at its registrar, or say dns.zone")
    return about.result(answer.values[0], True)


def mx_result(domain: str, hostname: str, addresses: Iterable[str], ask: Ask) -> CheckResult:
    """Each MX of the domain is a host name with public addresses: no alias, no address, no private network.

    ``hostname``, ``addresses``: the host's own. A private address of these is a warning: a host may serve one network
    only. That the name has no address at all is its own record's fault.
    """
    answer = ask(domain, "MX")
    about = Check(f"dns.mx-path.{domain}", GROUP, f"MX path {domain}", "host names with public addresses")
    if answer.state == "failed":
        return about.result(f"no answer ({answer.reason})", None, "ask again; see dns.resolver")
    names = [str(rdata.exchange).rstrip(".").lower() for rdata in answer.rdatas]  # type: ignore[attr-defined]
    if not names:
        return about.result("no MX", None, "first the MX record")  # its own result is red
    if hostname in names and not any(ask(hostname, kind).values for kind in ("A", "AAAA")):
        return about.result(f"{hostname} has no address", None, "first its A or AAAA record")
    faults = [fault for name in names if (fault := mx_fault(name, ask, set(addresses)))]
    seen = ", ".join(names) or "."
    if refused := [text for serious, text in faults if serious]:
        return about.result("; ".join(refused), False, "let the MX name the mail host itself")
    return about.result(seen, True, "; ".join(text for _, text in faults))


def mx_fault(name: str, ask: Ask, own: set[str]) -> tuple[bool, str] | None:
    """What is wrong with one MX target (whether mail is lost by it, and in words), or None."""
    if not name:
        return True, 'the null MX ".": the domain takes no mail'
    if _is_address(name):
        return True, f"{name} is an address; senders take it for a name that does not exist"
    answers = [ask(name, kind) for kind in ("A", "AAAA")]
    if any(answer.alias for answer in answers):
        return True, f"{name} is an alias (CNAME), which RFC 2181 forbids"
    found = {value for answer in answers for value in answer.values}
    if not found:
        return True, f"{name} has no address"
    private = sorted(address for address in found if not ipaddress.ip_address(address).is_global)
    if not private:
        return None
    return bool(set(private) - own), f"{name} leads to {', '.join(private)}, which the internet cannot reach"


def dnssec_result(zone: str, expected_tlsa: bool, ask: Ask, now: float) -> CheckResult:
    """The zone's DNSSEC state as served: unsigned, signed and proved, broken, or about to run out.

    ``now``: seconds since 1970. ``expected_tlsa``: the host publishes TLSA, which is inert without DNSSEC.
    """
    answer = ask(zone, "SOA")
    about = Check(f"dns.dnssec.{zone}", GROUP, f"DNSSEC {zone}", "unsigned, or signed and validated")
    if answer.state == "failed":
        unchecked = ask(zone, "SOA", unchecked=True)
        if unchecked.state == "failed":
            return about.result(f"no answer ({answer.reason})", None, "ask again; see dns.resolver")
        remedy = "validating receivers see nothing of the domain: fix DS and signatures, or take DS away"
        return about.result(f"broken: {_until(unchecked, now)}", False, remedy)
    if answer.signed_until is None:
        remedy = "sign the zone, or TLSA means nothing" if expected_tlsa else ""
        return about.result("unsigned", True, remedy)
    if answer.signed_until - now < ALARM:
        remedy = "re-sign the zone and reload the name servers; after that day the domain is gone"
        return about.result(_until(answer, now), False, remedy)
    if not answer.authenticated:
        remedy = "publish DS at the registrar, or ask through a resolver that validates (dns.resolver)"
        return about.result("signed, not validated by this resolver", None, remedy)
    return about.result(f"signed and validated, {_until(answer, now)}", True)


def _until(answer: Answer, now: float) -> str:
    if answer.signed_until is None:
        return "no signature"
    end = datetime.fromtimestamp(answer.signed_until, UTC)
    return f"signatures {'ended' if answer.signed_until < now else 'hold until'} {end:%Y-%m-%d}"


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
