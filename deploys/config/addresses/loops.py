"""Aliases that never end, and aliases that end in more places than Postfix goes to."""

from __future__ import annotations

from collections.abc import Iterator

from deploys.config.addresses.raw import RawAddresses
from deploys.config.base import Problem

MOST_TARGETS = 1000  # Postfix's virtual_alias_expansion_limit
MOST_STEPS = 100  # well within Postfix's virtual_alias_recursion_limit (1000), and more than anybody can follow
SHOWN = 10  # steps of a loop in its error


def loops_and_limits(raw: RawAddresses) -> Iterator[Problem]:
    """One problem for each loop, told once, from its first alias; then aliases that lead too far or too wide."""
    told: set[str] = set()
    endless = _endless(raw)
    for alias in raw.aliases:
        loop = _loop(alias, raw) if alias in endless and alias not in told else []
        if loop and told.isdisjoint(loop):
            told.update(loop)
            yield raw.aliases[alias], f"is an alias loop ({_shown(loop)}); take one of these steps out"
    reach = {} if told else _reach(raw)
    for alias in raw.aliases if not told else ():
        yield from ((raw.aliases[alias], text) for text in _too_far(*reach[alias]))


def _shown(loop: list[str]) -> str:
    left_out = [f"… {len(loop) - SHOWN} more …"] if len(loop) > SHOWN else []
    return " → ".join([*loop[:SHOWN], *left_out, loop[0]])


def _endless(raw: RawAddresses) -> set[str]:
    """The aliases that lead into a loop: those that are left when what leads to an end is taken away, again and
    again (Kahn's algorithm, backwards). Most often none, and in one look at each step."""
    before: dict[str, list[str]] = {}
    open_steps = {alias: len(_steps(alias, raw)) for alias in raw.aliases}
    for alias in raw.aliases:
        for target in _steps(alias, raw):
            before.setdefault(target, []).append(alias)
    ended = [name for name in {*before, *raw.aliases} if not open_steps.get(name)]
    for name in ended:
        for alias in before.get(name, ()):
            open_steps[alias] -= 1
            if not open_steps[alias]:
                ended.append(alias)
    return {alias for alias, steps in open_steps.items() if steps}


def _steps(alias: str, raw: RawAddresses) -> list[str]:
    return [target for target in raw.targets.get(alias, {}) if target != alias]


def _loop(start: str, raw: RawAddresses) -> list[str]:
    """The way from ``start`` back to itself, or nothing. Breadth first, so it is the shortest."""
    came_from: dict[str, str] = {}
    ahead = [start]
    for here in ahead:
        for target in _steps(here, raw):
            if target == start:
                return _path(start, here, came_from)
            if target not in came_from:
                came_from[target] = here
                ahead.append(target)
    return []


def _path(start: str, end: str, came_from: dict[str, str]) -> list[str]:
    path = [end]
    while path[-1] != start:
        path.append(came_from[path[-1]])
    return path[::-1]


def _reach(raw: RawAddresses) -> dict[str, tuple[int, int]]:
    """Of each alias, how many steps its way has and how many addresses lie on it, itself among them; counted no further
    than it takes to know that they are too many. There is no loop.

    Most aliases lead to one address: such a one has one step and one address more than that.
    """
    found: dict[str, tuple[int, int]] = {}
    for alias in raw.aliases:
        path = [alias]
        while path[-1] not in found and len(targets := _steps(path[-1], raw)) == 1:
            path.append(targets[0])
        for name in reversed(path):
            following = _steps(name, raw)
            if name not in found and len(following) == 1:
                steps, addresses = found[following[0]]
                found[name] = steps + 1, addresses + 1
            elif name not in found:
                found[name] = _walked(name, raw)
    return found


def _walked(alias: str, raw: RawAddresses) -> tuple[int, int]:
    seen, level, steps = {alias}, [alias], 0
    while level and steps <= MOST_STEPS and len(seen) <= MOST_TARGETS:
        level = [target for here in level for target in _steps(here, raw) if target not in seen]
        level = list(dict.fromkeys(level))
        seen.update(level)
        steps += bool(level)
    return steps, len(seen)


def _too_far(steps: int, addresses: int) -> Iterator[str]:
    if steps > MOST_STEPS:
        yield f"leads through {steps} aliases in a row, and {MOST_STEPS} is the most; name the mailboxes directly"
    if addresses > MOST_TARGETS:
        yield f"leads to more than {MOST_TARGETS} addresses, Postfix's limit; use a mailing list program for so many"
