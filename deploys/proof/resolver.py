"""The host's own resolver, and whom it asks: without them no letter from outside is taken."""

from __future__ import annotations

from collections.abc import Iterable

from deploys.proof.line import CONVERGE, Check, Line
from deploys.resolver.check import ANOTHER, faults
from deploys.resolver.settings import ADDRESS
from facts.resolvers import Answers, Heard

ROOM = "resolver"
LOG = f"{CONVERGE}; then: journalctl -u unbound -n 30"


def lines(forward: Iterable[str], answers: Answers) -> list[Line]:
    """One line for the resolver, one for each that it forwards to (``forward``)."""
    return [_own(answers), *_forwarders(tuple(forward), answers)]


def _own(answers: Answers) -> Line:
    about = Check("resolver.validates", ROOM, "the host's resolver", "answers, and validates (DNSSEC)")
    heard = answers.heard.get(ADDRESS, Heard())
    if answers.told:  # whom it asks and what it believes stands in local.conf
        seen = (
            f"answers {heard.said}, as local.conf has it" if heard.said else "no answer about the root; see local.conf"
        )
        return about.line(seen, True if heard.said else None)
    if not heard.said:
        return about.line(f"{ADDRESS} does not answer", False, LOG)
    if heard.said != "NOERROR":
        remedy = "see the lines below; the host's clock; journalctl -u unbound -n 30"
        return about.line(f"{heard.said} on the root: it finds no name that it can believe", False, remedy)
    if not heard.validated:
        return about.line("answers, but validates nothing", False, LOG)
    return about.line("answers, and validates", True)


def _forwarders(forward: tuple[str, ...], answers: Answers) -> list[Line]:
    wrong = faults(forward, answers)
    found = []
    for address in forward:
        about = Check(f"resolver.forward.{address}", ROOM, f"forwarder {address}", "answers with DNSSEC signatures")
        if answers.told:
            found.append(about.line("not looked at: local.conf says whom to ask", None))
        elif address in wrong:
            found.append(about.line(wrong[address], False, f"resolver.forward: {ANOTHER}"))
        else:
            found.append(about.line("answers with signatures", True))
    return found
