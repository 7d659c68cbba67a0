"""Where a run's time went: seconds by file and release."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from itertools import islice

from tests.sharing import group

MOST = 40  # lines


def table(spent: Iterable[tuple[str, str, float]]) -> list[str]:
    """Lines for (test, phase, seconds): of each group the seconds, those of setup, how many tests, and the longest."""
    seconds: dict[str, float] = defaultdict(float)
    setup: dict[str, float] = defaultdict(float)
    tests: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for nodeid, phase, took in spent:
        name = group(nodeid)
        seconds[name] += took
        setup[name] += took * (phase == "setup")
        tests[name][nodeid.partition("::")[2]] += took
    lines = [f"{'seconds':>8} {'setup':>7} {'tests':>6}  file and release; its longest test, seconds"]
    for name in islice(sorted(seconds, key=lambda name: -seconds[name]), MOST):
        longest = max(tests[name], key=lambda test: tests[name][test])
        lines.append(
            f"{seconds[name]:8.1f} {setup[name]:7.1f} {len(tests[name]):6}  {name};"
            f" {longest.partition('[')[0]} {tests[name][longest]:.1f}"
        )
    return [
        *lines,
        f"{sum(seconds.values()):8.1f} {sum(setup.values()):7.1f} {sum(map(len, tests.values())):6}  in all",
    ]
