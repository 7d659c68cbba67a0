"""Whether guessed passwords are counted, and how many addresses are shut out for them."""

from __future__ import annotations

from deploys.result import CONVERGE, Check, CheckResult
from facts.bans import TABLE, BanState

GROUP = "services"
SHOWN = 3


def results(found: BanState) -> list[CheckResult]:
    """One result."""
    about = Check("bans.table", GROUP, "addresses shut out", "after wrong logins, in the kernel")
    if found.banned is None:
        return [about.result(f"the table {TABLE} is gone: somebody flushed all rules", False, CONVERGE)]
    return [about.result(_words(found.banned), True)]


def _words(banned: dict[str, int]) -> str:
    if not banned:
        return "none now"
    first = ", ".join(sorted(banned)[:SHOWN])
    return f"{len(banned)}: {first}{', …' if len(banned) > SHOWN else ''}"
