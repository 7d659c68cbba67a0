"""The host's own resolver, and whom it asks: without them no message from outside is taken."""

from __future__ import annotations

from collections.abc import Iterable

from deploys.components.unbound.check import ANOTHER, faults
from deploys.components.unbound.options import ADDRESS
from deploys.result import CONVERGE, Check, CheckResult
from facts.resolvers import Answers, Heard

GROUP = "resolver"
LOG = f"{CONVERGE}; then: journalctl -u unbound -n 30"


def results(forward: Iterable[str], answers: Answers) -> list[CheckResult]:
    """One result for the resolver, one for each that it forwards to (``forward``)."""
    return [_own(answers), *_forwarders(tuple(forward), answers)]


def _own(answers: Answers) -> CheckResult:
    about = Check("resolver.validates", GROUP, "the host's resolver", "answers, and validates (DNSSEC)")
    heard = answers.heard.get(ADDRESS, Heard())
    if answers.told:  # whom it asks and what it believes stands in local.conf
        seen = (
            f"answers {heard.said}, as local.conf has it" if heard.said else "no answer about the root; see local.conf"
        )
        return about.result(seen, True if heard.said else None)
    if not heard.said:
        return about.result(f"{ADDRESS} does not answer", False, LOG)
    if heard.said != "NOERROR":
        remedy = "see the lines below; the host's clock; journalctl -u unbound -n 30"
        return about.result(f"{heard.said} on the root: it finds no name that it can believe", False, remedy)
    if not heard.validated:
        return about.result("answers, but validates nothing", False, LOG)
    return about.result("answers, and validates", True)


def _forwarders(forward: tuple[str, ...], answers: Answers) -> list[CheckResult]:
    wrong = faults(forward, answers)
    found = []
    for address in forward:
        about = Check(f"resolver.forward.{address}", GROUP, f"forwarder {address}", "answers with DNSSEC signatures")
        if answers.told:
            found.append(about.result("not looked at: local.conf says whom to ask", None))
        elif address in wrong:
            found.append(about.result(wrong[address], False, f"resolver.forward: {ANOTHER}"))
        else:
            found.append(about.result("answers with signatures", True))
    return found
