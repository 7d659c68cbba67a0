"""Many questions to a host in one remote command: each has an answer of its own, and none can spoil another's.

The script goes in by standard input: a command line has an end (Linux: 128 KiB an argument), and everybody sees it.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Generic, TypeVar

from pyinfra.api import FactBase, StringCommand
from typing_extensions import override

from facts.many import Many

T = TypeVar("T")
LONGEST = 60  # seconds for one question, or for all of a kind
MARK = "posthaus-[0-9a-f]{16}"
MISSING = "missing"  # in the place of an exit status: the program that the fact asks is not installed


@dataclass(frozen=True)
class Question(Generic[T]):
    """A fact and its arguments. Two that would be answered alike are equal."""

    fact: type[FactBase[T]]
    arguments: tuple[tuple[str, Any], ...] = ()

    @property
    def named(self) -> dict[str, Any]:
        """The arguments by their names, lists as tuples."""
        return dict(self.arguments)


def question(fact: type[FactBase[T]], **arguments: Any) -> Question[T]:
    """The question for ``host.get_fact(fact, **arguments)``."""
    return Question(fact, tuple(sorted((name, _fixed(value)) for name, value in arguments.items())))


def _fixed(value: Any) -> Any:
    return tuple(map(_fixed, value)) if isinstance(value, (list, tuple)) else value


@dataclass(frozen=True)
class Said:
    """What the host said to questions of one kind, or to a single one: an exit status, or MISSING; and lines."""

    status: str
    lines: list[str]


def kinds(questions: Iterable[Question[Any]]) -> list[list[Question[Any]]]:
    """The questions by what is asked in one go: those of a fact of many are together, every other is by itself."""
    unique = list(dict.fromkeys(questions))
    many = [one for one in unique if issubclass(one.fact, Many)]
    merged = groupby(sorted(many, key=lambda one: one.fact.name), key=lambda one: one.fact.name)
    return [*(list(group) for _, group in merged), *([one] for one in unique if not issubclass(one.fact, Many))]


def script(groups: Sequence[Sequence[Question[Any]]]) -> str:
    """A script for sh that asks all, each group in a shell of its own that is ended after LONGEST seconds.

    Its first line of output is a mark that no answer holds; after each answer come the mark, its number and status.
    """
    mark = f"posthaus-{secrets.token_hex(8)}"
    sections = [_section(mark, number, group) for number, group in enumerate(groups)]
    return "\n".join(["{", f"echo {mark}", *sections, "}", ""])  # read whole before any of it runs


def _section(mark: str, number: int, group: Sequence[Question[Any]]) -> str:
    program = group[0].fact().requires_command(**group[0].named)
    lines = [
        f"if command -v {program or 'sh'} >/dev/null 2>&1; then",
        f"timeout --kill-after=2 {LONGEST} sh <<'{mark}'",
        "{",
        _command(group),
        "} </dev/null 2>/dev/null",  # the shell reads on what it has to do; what it runs must not
        mark,
        f"status=$?; else status={MISSING}; fi",
        rf"printf '\n{mark} {number} %s\n' $status",
    ]
    return "\n".join(lines)


def _command(group: Sequence[Question[Any]]) -> str:
    fact = group[0].fact
    if issubclass(fact, Many):
        return _text(fact.together([one.named for one in group]))
    return _text(fact().command(**group[0].named))


def _text(command: str | StringCommand) -> str:
    return command if isinstance(command, str) else str(command.get_raw_value())


def answers(group: Sequence[Question[T]], said: Said | None) -> list[T] | None:
    """The answer to each of ``group``, as pyinfra would give it; None where the host did not answer rightly."""
    fact = group[0].fact
    if said is not None and said.status == MISSING:
        return [fact.default() for _ in group]
    if said is None or said.status != "0":
        return None
    if issubclass(fact, Many):
        return (
            list(fact.apart([one.named for one in group], said.lines))
            if said.lines
            else [fact.default() for _ in group]
        )
    alone = fact()
    alone.command(**group[0].named)  # some facts of pyinfra's note there how to read the answer
    return [alone.process(said.lines) if said.lines else fact.default()]


class Survey(FactBase[Mapping[int, Said]]):
    """What the ``script`` on its standard input asks: by number."""

    default = dict

    @override
    def command(self) -> str:
        return "sh -s"

    @override
    def process(self, output: list[str]) -> dict[int, Said]:
        begin = next((at for at, line in enumerate(output) if re.fullmatch(MARK, line)), len(output) - 1)
        mark = output[begin]
        found: dict[int, Said] = {}
        since: list[str] = []
        for line in output[begin + 1 :]:
            if not line.startswith(f"{mark} "):
                since.append(line)
                continue
            _, number, status = line.split()
            # The mark begins on a line of its own: one empty line is not the answer's.
            found[int(number)] = Said(status, since[:-1] if since and not since[-1] else since)
            since = []
        return found
