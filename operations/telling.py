"""What operations say of themselves for the summary of a run: what they are about to do, and how long that takes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

from pyinfra import host, logger, state
from pyinfra.context import ctx_host


@dataclass(frozen=True)
class Doing:
    """What one operation does: ``kind`` of (files, unit, keys, packages), what it is about, and each thing in it."""

    kind: str
    about: str
    details: tuple[str, ...] = ()


@dataclass
class Told:
    """Of one host, by operation: what was foreseen before anything changed, and what was begun."""

    foreseen: dict[str, list[Doing]] = field(default_factory=dict)
    begun: dict[str, list[Doing]] = field(default_factory=dict)


_told: WeakKeyDictionary[Any, Told] = WeakKeyDictionary()
MOST = 10  # of a kind are named
_said: set[tuple[str, str]] = set()  # a run that asks before it acts evaluates operations twice


def of(one: Any) -> Told:
    """What the operations of a host (pyinfra's) have said."""
    return _told.setdefault(one, Told())


def tell(kind: str, about: str, *details: str) -> None:
    """Said by an operation before it yields the command that does it."""
    phase = of(ctx_host.get()).begun if state.is_executing else of(ctx_host.get()).foreseen
    phase.setdefault(host.current_op_hash or "", []).append(Doing(kind, about, details))


def takes(what: str, seconds: tuple[int, int]) -> None:
    """Say that a long step is at work: ``what`` it does, and between how many ``seconds`` that took where it was
    measured."""
    if state.is_executing:
        logger.info("    %s: %s; this takes %s", host.name, what, in_words(*seconds))


def in_words(least: int, most: int) -> str:
    """``20 to 60 s``, ``1 to 3 minutes``."""
    if most < 90:
        return f"{least} to {most} s"
    least, most = max(1, round(least / 60)), round(most / 60)
    return f"about {most} minutes" if least == most else f"{least} to {most} minutes"


def say(kinds: Iterable[list[str]]) -> None:
    """Print the first lines of each kind, once in a run."""
    for line in (line for lines in kinds for line in _first(lines)):
        if (host.name, line) not in _said:
            _said.add((host.name, line))
            logger.warning("    %s: %s", host.name, line)


def _first(lines: list[str]) -> list[str]:
    """Ten of them, and how many more there are."""
    rest = len(lines) - MOST
    return [
        *lines[:MOST],
        *([f"and {rest:,} more of these; fact facts.mailboxes.Mailboxes has all"] if rest > 0 else []),
    ]
