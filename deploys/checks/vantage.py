"""Another host of the inventory as the point outside: whether port 25 is reached from there, and what it does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from deploys.checks.expectations import strangers
from deploys.checks.observation import Observation
from deploys.checks.plan import envelopes, nobody
from deploys.config.mailserver import MailServer
from deploys.result import Check, CheckResult

GROUP = "inbound"
LONGEST = 60  # seconds, should every answer hang


def plan(mail: MailServer, addresses: Sequence[str]) -> dict[str, Any]:
    """What remote/vantage.py asks for: ``addresses`` that the DNS gives out, ``trusted`` networks, ``envelopes``."""
    return {"addresses": list(addresses), "trusted": list(mail.trusted_networks), "envelopes": envelopes(mail)}


def lines(name: str, seen: Sequence[Observation], mail: MailServer) -> list[CheckResult]:
    """What the host ``name`` saw: a line for each address, one for all envelopes that it tried."""
    submission = {one.name: one.code == 1 for one in seen if one.check == "port-587"}
    ports = [_port(name, one, mail.hostname, submission) for one in seen if one.check == "port-25"]
    found = {one.check: one for one in seen}
    exams = [exam for exam in strangers(nobody(mail) is None, mail.domains[1:]) if exam.check in found]
    judged = [exam.line(found[exam.check]) for exam in exams]
    return [*ports, *([_strangers(name, judged)] if judged else [])]


def _port(name: str, one: Observation, hostname: str, submission: dict[str, bool]) -> CheckResult:
    about = Check(f"inbound.remote.{name}.{one.name}", GROUP, f"port 25 from {name}", f"220 {hostname}")
    seen = f"{one.name}: {one.answer}"
    if one.unknown:
        return about.line(f"{one.name}: cannot know, {name} {one.seen}", None)
    if one.code == 220 and hostname in one.seen:
        return about.line(seen, True)
    if one.code is not None:
        return about.line(seen, False, "somebody else answers at this address: see where it leads")
    if not submission.get(one.name):
        return about.line(f"{one.name}: cannot know, neither 25 nor 587 is reached", None)
    remedy = f"have port 25 opened: inwards by who rents you this host, or outwards by who rents you {name}"
    return about.line(seen, False, remedy)


def _strangers(name: str, judged: Sequence[CheckResult]) -> CheckResult:
    about = Check(f"inbound.remote.{name}.envelopes", GROUP, f"envelopes from {name}", "as to any stranger")
    wrong = [f"{line.what}: {line.seen}" for line in judged if line.ok is not True]
    if wrong:
        return about.line("; ".join(wrong), False, "see refusals above; what lies between the two?")
    return about.line(f"holds: {', '.join(line.what for line in judged)}", True)
