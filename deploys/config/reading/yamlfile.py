"""YAML, read strictly: every key as it was written, the line it stands on, and nothing guessed.

PyYAML speaks YAML 1.1, where 0123 is 83, 12:30 is 750, ``no`` is false and 2024-01-01 a date. Here whatever would
change its meaning on the way is refused, by name.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from deploys.config.base import Place, Problem
from deploys.config.reading import yamlerrors
from deploys.values import files

Event = Any  # one of yaml.events; the types known of them lack anchors and marks
_TAG = "tag:yaml.org,2002:"
_QUOTE = "write it as a quoted string"
_DECIMAL = re.compile(r"-?(0|[1-9][0-9]*)")
_FRACTION = re.compile(r"-?[0-9]+\.[0-9]*")
_DIGITS = 30  # no number here has more, and Python itself refuses some thousands
_BOOLEANS = {"yes": True, "true": True, "on": True, "no": False, "false": False, "off": False}
_VALUES: dict[str, Callable[[str], Any]] = {
    "str": str,
    "int": int,
    "float": float,
    "bool": lambda text: _BOOLEANS[text.lower()],
    "null": lambda text: None,
}
# NUL, which ends a text in C; half a character beyond U+FFFF, which "\ud800" makes and no program can write down.
_NO_TEXT = re.compile("[\x00\ud800-\udfff]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
LARGEST = 32 << 20  # bytes: some 200,000 mailboxes
DEEPEST = 40  # levels; mail.yaml has six
_resolver = yaml.SafeLoader("")


@dataclass
class Document:
    """What a YAML file says, where it says it (line numbers from 1), and what cannot be read."""

    path: Path
    value: dict[str, Any] = field(default_factory=dict)
    lines: dict[Place, int] = field(default_factory=dict)
    kinds: dict[Place, str] = field(default_factory=dict)  # of scalars that are no text: int, float, bool, null
    problems: list[Problem] = field(default_factory=list)

    def line(self, place: Place) -> int:
        """The line of ``place``, or of the nearest thing around it."""
        while place and place not in self.lines:
            place = place[:-1]
        return self.lines.get(place, 1)


class Unreadable(ValueError):
    """A file that is no YAML mapping at all; the message says where and why, without quoting the file."""


@dataclass
class _Reading:
    """A document half read: the events still to come, and what anchors (&) name (None: not yet whole)."""

    document: Document
    events: Iterator[Event]
    anchors: dict[str, tuple[Place, Any] | None] = field(default_factory=dict)
    budget: int = 0  # how many more values aliases (*) may stand for: aliases of aliases multiply


def read(path: Path, text: str | None = None) -> Document:
    """The document at ``path``, or ``text``, which shall come to stand there; Unreadable if there is none to speak of.

    It is built from libyaml's events: a file of 10,000 mailboxes takes a quarter of a second, not four. (PyYAML without
    libyaml reads the same files, slowly.)
    """
    text = text_of(path) if text is None else text
    document = Document(path, lines={(): 1})
    events = yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    try:
        document.value = _whole(_Reading(document, events, budget=10_000 + 4 * len(text)))
    except yaml.YAMLError as error:
        raise Unreadable(f"{path}{yamlerrors.explain(error, text)}") from None
    return document


def _whole(reading: _Reading) -> dict[str, Any]:
    path, events = reading.document.path, reading.events
    first = next(event for event in events if not isinstance(event, (yaml.StreamStartEvent, yaml.DocumentStartEvent)))
    if not isinstance(first, yaml.MappingStartEvent):
        for _ in events:  # what cannot be read at all is said first
            pass
        what = "is empty" if isinstance(first, yaml.StreamEndEvent) else "does not hold keys and values"
        raise Unreadable(f"{path}: {what}; write at least hostname, domains and mailboxes")
    value: dict[str, Any] = _value(first, (), reading)
    more: Event = next((event for event in events if isinstance(event, yaml.DocumentStartEvent)), None)
    if more:
        raise Unreadable(f"{path}:{more.start_mark.line + 1}: {yamlerrors.ANOTHER}")
    return value


def text_of(path: Path) -> str:
    """All of the file, without the mark (U+FEFF) that some editors put first. Unreadable where it is no text."""
    try:
        content = files.content(path, LARGEST)
    except OSError as error:
        raise Unreadable(f"{path}: cannot be read ({error.strerror}); write it, or name the right directory") from None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise Unreadable(f"{path}:{line}: is not UTF-8; save the file as UTF-8") from None


def _value(event: Event, place: Place, reading: _Reading) -> Any:
    """What begins with ``event``, for ``place``; everything of it is read."""
    if event.anchor is not None and not isinstance(event, yaml.AliasEvent):
        return _anchored(event, place, reading)
    if len(place) > DEEPEST:
        raise Unreadable(f"{reading.document.path}:{event.start_mark.line + 1}: {yamlerrors.TOO_DEEP}")
    if isinstance(event, yaml.ScalarEvent):
        return _scalar(event, place, reading.document)
    if isinstance(event, yaml.MappingStartEvent):
        return _mapping(event, place, reading)
    if isinstance(event, yaml.SequenceStartEvent):
        return _sequence(event, place, reading)
    return _aliased(event, place, reading)


def _mapping(start: Event, place: Place, reading: _Reading) -> dict[str, Any]:
    document, events = reading.document, reading.events
    _refuse_tag(start, place, document)
    built: dict[str, Any] = {}
    while not isinstance(event := next(events), yaml.MappingEndEvent):
        line = event.start_mark.line + 1
        if not isinstance(event, yaml.ScalarEvent) or _kind(event) == "merge":
            document.problems.append(
                (place, f"has a key on line {line} that is no plain word; write one word and a colon")
            )
            _pass_over(event, events)
            _pass_over(next(events), events)
            continue
        key = sys.intern(event.value)
        here = (*place, key)
        if _CONTROL.search(key) or _NO_TEXT.search(key):
            document.problems.append((place, f"has a key on line {line} with a control character; write plain text"))
            _pass_over(next(events), events)
            continue
        if key in built:
            first = document.lines[here]
            document.problems.append((here, f"stands on line {first} and again on line {line}; keep one of them"))
            _pass_over(next(events), events)
            continue
        document.lines[here] = line
        built[key] = _value(next(events), here, reading)
    return built


def _sequence(start: Event, place: Place, reading: _Reading) -> list[Any]:
    _refuse_tag(start, place, reading.document)
    built: list[Any] = []
    while not isinstance(event := next(reading.events), yaml.SequenceEndEvent):
        here = (*place, len(built))
        reading.document.lines[here] = event.start_mark.line + 1
        built.append(_value(event, here, reading))
    return built


def _pass_over(event: Event, events: Iterator[Event]) -> None:
    depth = int(isinstance(event, yaml.CollectionStartEvent))
    while depth:
        event = next(events)
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)


def _anchored(event: Event, place: Place, reading: _Reading) -> Any:
    name, event.anchor = event.anchor, None
    reading.anchors[name] = None  # until it is whole
    value = _value(event, place, reading)
    reading.anchors[name] = (place, value)
    return value


def _aliased(event: Event, place: Place, reading: _Reading) -> Any:
    """The value that an anchor names, noted for this place too. A few lines of aliases of aliases can stand for
    billions of values, so there is a limit."""
    document = reading.document
    if event.anchor not in reading.anchors:
        raise Unreadable(f"{document.path}:{event.start_mark.line + 1}: {yamlerrors.NO_ALIAS}")
    named = reading.anchors[event.anchor]
    if named is None:
        document.problems.append((place, "holds itself (an anchor inside its own value); write the value out"))
        return None
    source, value = named
    ahead: list[tuple[Place, Any]] = [((), value)]
    while ahead:
        below, one = ahead.pop()
        reading.budget -= 1
        if reading.budget < 0:
            raise Unreadable(f"{document.path}: its aliases (*) repeat more than a file can hold; write the values out")
        if len(place) + len(below) > DEEPEST:
            raise Unreadable(f"{document.path}:{event.start_mark.line + 1}: {yamlerrors.TOO_DEEP}")
        if (kind := document.kinds.get((*source, *below))) is not None:
            document.kinds[(*place, *below)] = kind
        pairs = one.items() if isinstance(one, dict) else enumerate(one) if isinstance(one, list) else ()
        ahead += [((*below, key), part) for key, part in pairs]
    return value


def _scalar(event: Event, place: Place, document: Document) -> Any:
    kind = _kind(event)
    wrong = _misread(kind, event.value)
    if kind != "str" or wrong:
        document.kinds[place] = kind
    if wrong:
        document.problems.append((place, wrong))
        return None
    return _VALUES[kind](event.value)


def _kind(event: Event) -> str:
    """What YAML takes the scalar for: str, int, float, bool, null, timestamp, merge and so on, or what its tag says."""
    if event.tag not in (None, "!"):
        return str(event.tag).removeprefix(_TAG)
    if not event.implicit[0] or event.value[:1] not in _resolver.yaml_implicit_resolvers:
        return "str"
    resolved: str = _resolver.resolve(yaml.ScalarNode, event.value, (True, False))
    return resolved.removeprefix(_TAG)


def _refuse_tag(event: Event, place: Place, document: Document) -> None:
    if event.tag not in (None, "!", f"{_TAG}map", f"{_TAG}seq"):
        document.problems.append((place, f"begins with a tag (!), which is not read here; {_QUOTE}"))


def _misread(kind: str, text: str) -> str | None:
    if kind == "timestamp":
        return f"YAML takes this for a date; {_QUOTE}"
    plain = {"int": _DECIMAL, "float": _FRACTION}.get(kind)
    if plain and re.search(r"[0-9]|\.(inf|nan)$", text.lower()) and not plain.fullmatch(text):
        return f"YAML takes this for another number than is written here; {_QUOTE}, or as a plain decimal number"
    if plain and len(text) > _DIGITS:
        return f"is a number of {len(text)} digits; write one of at most {_DIGITS}"
    if kind == "str" and _NO_TEXT.search(text):
        return "holds a character that is no text (NUL, or half of one); write plain text"
    if not _is_written_so(kind, text):
        return f"begins with a tag (!), which is not read here; {_QUOTE}"
    return None


def _is_written_so(kind: str, text: str) -> bool:
    """Whether YAML itself would take ``text`` for ``kind``: a tag (!!float abc) may say otherwise."""
    try:
        _VALUES[kind](text)
    except (KeyError, ValueError):
        return False
    return kind != "null" or text.lower() in ("", "~", "null")
