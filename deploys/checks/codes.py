"""What other servers refused in the last day, by the codes that large providers have for it."""

from __future__ import annotations

from collections.abc import Mapping

from deploys.result import Check, CheckResult
from deploys.values.refusals import row

GROUP = "senders' rules"


def results(said: Mapping[str, int]) -> list[CheckResult]:
    """A warning for each kind of refusal of the last day that a provider has a code for. ``said``: answer to count."""
    told: dict[tuple[str, str, str, str], tuple[int, str]] = {}
    for answer, times in said.items():
        if found := row(answer):
            count, _ = told.get(found, (0, ""))
            told[found] = (count + times, answer)
    return [
        Check(f"rules.refused.{key}", GROUP, f"{whose} refused", "nothing in 24 h").result(
            f"{count}: {meaning} ({answer})", True, remedy
        )
        for (key, whose, meaning, remedy), (count, answer) in told.items()
    ]
