"""Another host of the inventory as a remote vantage point: whether port 25 is reached from there, and what it does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from deploys.checks.expectations import unauthenticated
from deploys.checks.observation import Observation
from deploys.checks.plan import envelopes, nobody
from deploys.config.mailserver import MailServer
from deploys.result import Check, CheckResult

GROUP = "inbound"
LONGEST = 60  # seconds, should every answer hang


def plan(mail: MailServer, addresses: Sequence[str]) -> dict[str, Any]:
    """What remote/vantage.py asks for: ``addresses`` that the DNS gives out, ``trusted`` networks, ``envelopes``."""
    return {"addresses": list(addresses), "trusted": list(mail.trusted_networks), "envelopes": envelopes(mail)}


def results(name: str, seen: Sequence[Observation], mail: MailServer) -> list[CheckResult]:
    """What the host ``name`` saw: a result for each address, one for all envelopes that it tried."""
    submission = {one.name: one.code == 1 for one in seen if one.check == "port-587"}
    ports = [_port(name, one, mail.hostname, submission) for one in seen if one.check == "port-25"]
    found = {one.check: one for one in seen}
    expected = [
        expectation
        for expectation in unauthenticated(nobody(mail) is None, mail.domains[1:])
        if expectation.check in found
    ]
    judged = [expectation.result(found[expectation.check]) for expectation in expected]
    return [*ports, *([_unauthenticated(name, judged)] if judged else [])]


def _port(name: str, one: Observation, hostname: str, submission: dict[str, bool]) -> CheckResult:
    about = Check(f"inbound.remote.{name}.{one.name}", GROUP, f"port 25 from {name}", f"220 {hostname}")
    seen = f"{one.name}: {one.answer}"
    if one.unknown:
        return about.result(f"{one.name}: cannot know, {name} {one.seen}", None)
    if one.code == 220 and hostname in one.seen:
        return about.result(seen, True)
    if one.code is not None:
        return about.result(seen, False, "somebody else answers at this address: see where it leads")
    if not submission.get(one.name):
        return about.result(f"{one.name}: cannot know, neither 25 nor 587 is reached", None)
    remedy = f"have port 25 opened: inbound by the provider of this host, or outbound by the provider of {name}"
    return about.result(seen, False, remedy)


def _unauthenticated(name: str, judged: Sequence[CheckResult]) -> CheckResult:
    about = Check(f"inbound.remote.{name}.envelopes", GROUP, f"envelopes from {name}", "as to any unknown client")
    wrong = [f"{result.what}: {result.seen}" for result in judged if result.ok is not True]
    if wrong:
        return about.result("; ".join(wrong), False, "see refusals above; what lies between the two?")
    return about.result(f"holds: {', '.join(result.what for result in judged)}", True)
