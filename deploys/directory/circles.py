"""Aliases that never end, and aliases that end in more places than Postfix goes to."""

from __future__ import annotations

from collections.abc import Iterator

from deploys.directory.written import Written
from deploys.settings import Problem

MOST_TARGETS = 1000  # Postfix's virtual_alias_expansion_limit
MOST_STEPS = 100  # well within Postfix's virtual_alias_recursion_limit (1000), and more than anybody can follow


def circles_and_crowds(written: Written) -> Iterator[Problem]:
    """One problem for each circle, told once, from its first alias; then aliases that lead too far or too wide."""
    told: set[str] = set()
    for alias in written.aliases:
        circle = _circle(alias, written)
        if circle and told.isdisjoint(circle):
            told.update(circle)
            way = " → ".join([*circle, circle[0]])
            yield written.aliases[alias], f"goes round in a circle ({way}); take one of these steps out"
    for alias in written.aliases if not told else ():
        yield from ((written.aliases[alias], text) for text in _too_far(alias, written))


def _steps(alias: str, written: Written) -> list[str]:
    return [target for target in written.targets.get(alias, {}) if target != alias]


def _circle(start: str, written: Written) -> list[str]:
    """The way from ``start`` back to itself, or nothing. Breadth first, so it is the shortest."""
    came_from: dict[str, str] = {}
    ahead = [start]
    for here in ahead:
        for target in _steps(here, written):
            if target == start:
                return _way(start, here, came_from)
            if target not in came_from:
                came_from[target] = here
                ahead.append(target)
    return []


def _way(start: str, end: str, came_from: dict[str, str]) -> list[str]:
    way = [end]
    while way[-1] != start:
        way.append(came_from[way[-1]])
    return way[::-1]


def _too_far(alias: str, written: Written) -> Iterator[str]:
    seen, level, steps = {alias}, [alias], 0
    while level:
        level = [target for here in level for target in _steps(here, written) if target not in seen]
        level = list(dict.fromkeys(level))
        seen.update(level)
        steps += bool(level)
    if steps > MOST_STEPS:
        yield f"leads through {steps} aliases in a row, and {MOST_STEPS} is the most; name the mailboxes directly"
    if len(seen) > MOST_TARGETS:
        yield f"leads to more than {MOST_TARGETS} addresses, Postfix's limit; use a mailing list program for so many"
