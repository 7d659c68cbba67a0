"""Messages on hold: somebody has sent too much, or the operator holds them."""

from __future__ import annotations

from collections.abc import Mapping

from deploys.result import Check, CheckResult
from facts.held import NOBODY, Held

GROUP = "queue"
REMEDY = "pyinfra inventory.py deploys/held.py"


def results(found: Mapping[str, Held]) -> list[CheckResult]:
    """One result; what is held is a warning, for a person has to decide."""
    about = Check("queue.held", GROUP, "messages on hold", "none")
    if not found:
        return [about.result("none", True)]
    named = sorted(found.items(), key=lambda item: (-item[1].messages, item[0]))
    seen = ", ".join(f"{held.messages:,} of {'no login' if login == NOBODY else login}" for login, held in named)
    return [about.result(seen, True, REMEDY)]
