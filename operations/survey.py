"""One look at a host: what the operations of a run ask is asked together, and holds until the run changes something.

An operation made by ``looks`` tells its questions from its arguments, and asks them with ``ask``. The first that asks
has all asked that others will ask; the first change makes all of it forgotten, and what is still to come is asked anew.
An answer that is not there is asked for by itself: slower, never wrong.
"""

from __future__ import annotations

import inspect
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property, wraps
from typing import Any, Protocol, TypeVar
from weakref import WeakKeyDictionary

from pyinfra import host, state
from pyinfra.api import operation
from pyinfra.api.arguments import CONNECTOR_ARGUMENT_KEYS, all_global_arguments, pop_global_arguments
from pyinfra.api.operation import OperationMeta
from pyinfra.context import ctx_host, ctx_state

from facts.survey import Question, Said, Survey, answers, kinds, script

T = TypeVar("T")
HOLDS_SECONDS = 120  # a host waits while others change; meanwhile somebody may change this one
ALONE_SECONDS = 600  # for a question that took too long, or failed, among others
_GLOBAL = {name for name, _ in all_global_arguments()}


class Looking(Protocol):
    """An operation that tells what it will ask, from the arguments that it is called with."""

    def __call__(self, *arguments: Any, **named: Any) -> OperationMeta: ...

    def questions(self, *arguments: Any, **named: Any) -> list[Question[Any]]: ...


class Told:
    """What the host said to questions of one kind: read once, however many of them are asked for."""

    def __init__(self, group: list[Question[Any]], said: Said) -> None:
        self.group, self.said = group, said

    @cached_property
    def answers(self) -> dict[Question[Any], Any] | None:
        """By question; None where the host did not answer rightly."""
        found = answers(self.group, self.said)
        return None if found is None else dict(zip(self.group, found, strict=True))


class Seen:
    """What is known of one host, and what will be asked of it."""

    def __init__(self) -> None:
        self.expected: dict[Question[Any], None] = {}  # by operations that may not have been called yet
        self.coming: Counter[Question[Any]] = Counter()  # by operations that were called and have not been executed
        self.known: dict[Question[Any], Told] = {}
        self.circumstances: Any = None  # in which it was asked: the phase of the run, and as whom
        self.asked_at = 0.0

    def to_ask(self, first: Question[Any], executing: bool) -> list[Question[Any]]:
        """``first``, and all that is to come and not known."""
        coming = [one for one, times in self.coming.items() if times > 0]
        others = coming if executing else [*self.expected, *coming]
        return list(dict.fromkeys([first, *(one for one in others if one not in self.known)]))

    def forget(self) -> None:
        """The host is no longer as it was seen."""
        self.known.clear()


_seen: WeakKeyDictionary[Any, Seen] = WeakKeyDictionary()
_listeners: list[Callable[[], None]] = []


def on_change(listener: Callable[[], None]) -> None:
    """Have ``listener`` called whenever an operation is about to change a host."""
    _listeners.append(listener)


def expect(questions: Iterable[Question[Any]]) -> None:
    """These will be asked of the present host before it changes: the next question takes them along."""
    _of_host().expected.update(dict.fromkeys(questions))


@contextmanager
def together(questions: Iterable[Question[Any]]) -> Iterator[None]:
    """Within it the first question to the present host takes all of these along, for whoever changes nothing."""
    seen, asked = _of_host(), list(questions)
    seen.coming.update(asked)
    try:
        yield
    finally:
        seen.coming.subtract(asked)


def ask(question: Question[T], **options: Any) -> T:
    """What the host says, now or since the last change of this run. ``options``: pyinfra's own, for the asking."""
    seen = _of_host()
    if not _holds(seen):
        seen.forget()
    if question not in seen.known:
        _look(seen, question, options)
    told = seen.known.get(question)
    found = told.answers if told else None
    answer: T
    if found is None:  # pyinfra says why there is none
        answer = host.get_fact(question.fact, **question.named, **{"_timeout": ALONE_SECONDS, **options})
    else:
        answer = found[question]
    return answer


def looks(
    questions: Callable[..., Iterable[Question[Any]]], is_idempotent: bool = True
) -> Callable[[Callable[..., Generator[Any, None, None]]], Looking]:
    """Make an operation of a generator function of commands, each of which changes the host.

    ``questions``: what the operation asks, given the arguments of its own that it names (the others as ``**_``).
    """

    def make(function: Callable[..., Generator[Any, None, None]]) -> Looking:
        signature = inspect.signature(function)

        def asks(*arguments: Any, **named: Any) -> list[Question[Any]]:
            own = {name: value for name, value in named.items() if name not in _GLOBAL}
            return list(questions(**signature.bind(*arguments, **own).arguments))

        @wraps(function)
        def called(*arguments: Any, **named: Any) -> OperationMeta:
            asked = asks(*arguments, **named)
            _of_host().coming.update(asked)
            return operation(is_idempotent=is_idempotent)(_gate(function, asked))(*arguments, **named)

        called.questions = asks  # type: ignore[attr-defined]
        return called  # type: ignore[return-value]

    return make


def _gate(
    function: Callable[..., Generator[Any, None, None]], asked: list[Question[Any]]
) -> Callable[..., Generator[Any, None, None]]:
    """The way that every change takes: what was known of the host is forgotten as it happens."""

    @wraps(function)
    def commands(*arguments: Any, **named: Any) -> Generator[Any, None, None]:
        seen = _of_host()
        try:
            for command in function(*arguments, **named):
                if state.is_executing:
                    seen.forget()
                    for listener in _listeners:
                        listener()
                yield command
        finally:
            if state.is_executing:
                seen.coming.subtract(asked)

    return commands


def _of_host() -> Seen:
    return _seen.setdefault(ctx_host.get(), Seen())


def _look(seen: Seen, first: Question[Any], options: Mapping[str, Any]) -> None:
    groups = kinds(seen.to_ask(first, state.is_executing))
    seen.circumstances, seen.asked_at = _circumstances(), time.monotonic()
    said = host.get_fact(Survey, _stdin=script(groups), **options)
    told = [Told(group, said[n]) for n, group in enumerate(groups) if n in said]
    seen.known |= {one: part for part in told for one in part.group}


def _holds(seen: Seen) -> bool:
    return time.monotonic() < seen.asked_at + HOLDS_SECONDS and seen.circumstances == _circumstances()


def _circumstances() -> Any:
    """What an administrator is asked between looking and acting takes time; and another user may see other things."""
    found: Any = host.current_op_global_arguments or pop_global_arguments(ctx_state.get(), ctx_host.get(), {})[0]
    return state.is_executing, {key: found[key] for key in CONNECTOR_ARGUMENT_KEYS if key in found}
