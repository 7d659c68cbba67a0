"""SPF's own limits: receivers give up on a record that costs more than ten look-ups (RFC 7208, section 4.6.4)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from deploys.records.compare import GROUP
from deploys.records.resolver import Answer, Ask
from deploys.result import Check, CheckResult

LOOKUPS, VOIDS = 10, 2
ENOUGH = 40  # look-ups after which counting on would only please a loop
TERM = re.compile(r"[+?~-]?(?P<name>[a-z0-9]+)(?P<mark>[:=/]?)(?P<value>.*)", re.IGNORECASE)


@dataclass
class Count:
    """``lookups``: terms that ask the DNS, counted as if nothing matched before the end. ``voids``: those with no
    answer. ``spenders``: domain to look-ups of its own record. ``faults``: what makes receivers give up outright."""

    lookups: int = 0
    voids: int = 0
    spenders: dict[str, int] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)


def count(domain: str, ask: Ask) -> Count:
    """What one evaluation of the domain's SPF record costs, includes and redirects followed."""
    total = Count()
    _record(domain, ask, total, ())
    return total


def spf_result(domain: str, ask: Ask) -> CheckResult:
    """Whether receivers can evaluate the domain's SPF record to its end."""
    title, expected = f"SPF look-ups {domain}", f"at most {LOOKUPS}, of them {VOIDS} empty"
    about = Check(f"dns.spf-lookups.{domain}", GROUP, title, expected)
    total = count(domain, ask)
    if not total.spenders and any(fault.endswith("no SPF record") for fault in total.faults):
        return replace(about, expected="a record").result("none", None, "first the SPF record")  # red by itself
    spent = ", ".join(f"{name} {number}" for name, number in total.spenders.items())
    seen = f"{total.lookups} look-ups ({spent})" + (f", {total.voids} empty" if total.voids else "")
    if total.faults:
        return about.result("; ".join(total.faults), False, "fix or take away what is named")
    if total.unknown:
        return about.result("; ".join(total.unknown), None, "ask again; see dns.resolver")
    if total.lookups > LOOKUPS:
        return about.result(seen, False, "take an include away, or name its addresses: ip4, ip6")
    if total.voids > VOIDS:
        return about.result(seen, False, "take away the names that do not exist")
    return about.result(seen, True)


def terms(text: str) -> Iterator[tuple[str, str]]:
    """(name, domain) of the terms that ask the DNS, until ``all`` ends the record; a redirect comes last."""
    redirect = ""
    for word in text.split()[1:]:
        match = TERM.fullmatch(word)
        if match is None:
            continue
        name, value = match["name"].lower(), match["value"] if match["mark"] in (":", "=") else ""
        if name == "all":
            return
        if name == "redirect":
            redirect = value
        elif name in ("include", "a", "mx", "ptr", "exists"):
            yield name, value.split("/")[0]
    if redirect:
        yield "redirect", redirect


def _record(domain: str, ask: Ask, total: Count, path: tuple[str, ...]) -> None:
    if domain in path:
        total.faults.append(f"{domain} includes itself")
        return
    answer = ask(domain, "TXT")
    records = [text for text in answer.texts if text.lower().split(" ")[0] == "v=spf1"]
    if answer.state == "failed":
        total.unknown.append(f"{domain} has no answer ({answer.reason})")
    elif len(records) != 1:
        total.faults.append(f"{domain} has {len(records) or 'no'} SPF record{'s' if len(records) > 1 else ''}")
    else:
        for name, target in terms(records[0]):
            _term(name, target or domain, domain, ask, total, (*path, domain))


def _term(name: str, target: str, domain: str, ask: Ask, total: Count, path: tuple[str, ...]) -> None:
    total.lookups += 1
    total.spenders[domain] = total.spenders.get(domain, 0) + 1
    if total.lookups > ENOUGH or "%" in target or name == "ptr":
        return  # a macro's name depends on the message, ptr's on the sender
    if name in ("include", "redirect"):
        _record(target.lower().rstrip("."), ask, total, path)
    elif _is_void(name, target, ask):
        total.voids += 1


def _is_void(name: str, target: str, ask: Ask) -> bool:
    # "a" asks for the sender's family only; a name is empty to one family or the other, so both must be.
    answers: list[Answer] = [ask(target, kind) for kind in (("MX",) if name == "mx" else ("A", "AAAA"))]
    return all(answer.state in ("nodata", "nxdomain") for answer in answers)
