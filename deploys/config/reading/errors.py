"""Pydantic's errors as sentences for the operator: the key as written, what is wrong, what would be right."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from typing import Any

from pydantic import ValidationError

from deploys.config.base import Place, Problem, Settings
from deploys.config.reading.shape import is_section, keys_at
from deploys.config.reading.yamlfile import Document

BLANK = "is empty; write a value in quotes (# begins a comment outside of them), or take the line away"
LONGEST = 1000  # characters of one line for a person
QUOTED = "it must be a quoted string"
_KINDS = {"int": "a number", "float": "a number", "bool": "yes or no"}


class SettingsError(ValueError):
    """Settings that cannot be deployed. ``lines`` holds one line for each reason."""

    def __init__(self, lines: Iterable[str]) -> None:
        self.lines = list(lines)
        super().__init__("\n".join(self.lines))


def problems(error: ValidationError, model: type[Settings], document: Document | None = None) -> list[Problem]:
    """Every error of ``error`` with its place. Never any of the refused values, unless a check of ours put it there."""
    found: list[Problem] = []
    for detail in error.errors(include_url=False, include_input=False):
        place = tuple(part for part in detail["loc"] if part != "[key]")
        kind = document.kinds.get(place) if document else None
        found.append((place, _sentence(dict(detail), place, model, kind)))
    # A list with a wrong entry: pydantic counts that as missing, too.
    lists = {place[:-1] for place, _ in found if place and isinstance(place[-1], int)}
    return [(place, text) for place, text in found if text != _PLAIN["too_short"] or place not in lists]


def blanks(document: Document, model: type[Settings]) -> list[Problem]:
    """Keys with nothing behind them, where nothing is no value. (A blank section only says nothing.)"""
    empty = (place for place, kind in document.kinds.items() if kind == "null" and not is_section(model, place))
    return [(place, BLANK) for place in empty]


def as_lines(found: Iterable[Problem], document: Document | None = None) -> list[str]:
    """``file:line: key: what; right`` for each, in the order of the file, none twice."""
    told: dict[str, int] = {}
    for place, text in found:
        line = document.line(place) if document else 0
        where = f"{document.path}:{line}: " if document else ""
        told.setdefault(_shown(f"{where}{key(place)}: {text}" if place else f"{where}{text}"), line)
    return sorted(told, key=lambda text: told[text])


def _shown(line: str) -> str:
    """``line`` as it may go to a terminal: nothing in it moves a cursor, and no value fills the screen."""
    plain = re.sub("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]", _escaped, line)
    return plain if len(plain) <= LONGEST else f"{plain[: LONGEST // 2]} … {plain[-LONGEST // 2 :]}"


def _escaped(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode()


def key(place: Place) -> str:
    """``mailboxes.tito@example.org.quota``: the keys, joined; positions in a list are left out."""
    return ".".join(str(part) for part in place if not isinstance(part, int))


def _sentence(detail: dict[str, Any], place: Place, model: type[Settings], kind: str | None) -> str:
    """One error in plain words; the errors that our own checks raise are sentences already."""
    context = detail.get("ctx") or {}
    error = detail["type"]
    if error == "value_error":
        return str(context.get("error", detail["msg"]))
    if error == "contradiction":
        return str(detail["msg"])
    if error == "extra_forbidden":
        return _unknown(place, model)
    if error == "string_type" and kind in _KINDS:
        return f"YAML takes this for {_KINDS[kind]}; {QUOTED}"
    return _PLAIN.get(error, "{msg}; see docs/reference.md").format(msg=detail["msg"], **context)


_PLAIN = {
    "missing": "is missing; write it (docs/reference.md has examples)",
    "string_type": f"is not text; {QUOTED}",
    "int_type": "is not a whole number; write one without quotes",
    "int_from_float": "is not a whole number; write one without quotes",
    "bool_type": "is neither yes nor no; write one of these",
    "dict_type": "is not a mapping; write `key: value` lines below it, indented",
    "model_type": "is not a mapping; write `key: value` lines below it, indented",
    "tuple_type": "is not a list; write [one, another]",
    "literal_error": "is not one of the values for this; write {expected}",
    "greater_than": "is too small; write more than {gt}",
    "float_type": "is not a number; write one without quotes",
    "greater_than_equal": "is too small; write {ge} or more",
    "less_than_equal": "is too large; write {le} or less",
    "string_too_long": "is too long; write at most {max_length} characters",
    "too_short": "is empty; write at least one",
}


def _unknown(place: Place, model: type[Settings]) -> str:
    known = keys_at(model, place[:-1])
    word = str(place[-1])
    close = [name for name in known if name.startswith(word)] or difflib.get_close_matches(word, known, n=1)
    return (
        f"is not an option here; did you mean {close[0]}?"
        if close
        else f"is not an option here; write {', '.join(known)}"
    )
