"""What ``--data`` asks of a trace, and the answer of one host in words."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from deploys.tracing.journeys import journeys, told

SINCE = "3d"
LAST = 10  # messages of an address; the whole log may have thousands
NOTE = "What people did with a message after it was stored (read, moved, deleted) is in no log."


def since(said: object) -> str:
    """From when on, as journalctl(1) takes it: ``3d`` and ``12h`` count back, else a date. ValueError for all else."""
    text = str(said).strip()
    if re.fullmatch(r"\d{1,4}(m|min|h|d|w)", text):
        return f"-{text}"
    if re.fullmatch(r"\d{4}-\d\d-\d\d( \d\d:\d\d(:\d\d)?)?|today|yesterday", text):
        return text
    raise ValueError(f"since={text} is no time; write 12h, 3d, yesterday, 2026-11-27 or '2026-11-27 14:30'")


def about(said: object) -> str:
    """A Message-ID, a queue identifier or an address. ValueError for anything else."""
    text = str(said or "").strip().strip("<>")
    if not re.fullmatch(r"[^\s<>]+@[^\s<>]+|[0-9A-Za-z]{6,}", text):
        raise ValueError("say what to look for: --data about=ADDRESS, a Message-ID or a queue identifier")
    return text


def last(said: object) -> int:
    """How many messages of an address. ValueError for what is no such number."""
    text = str(said)
    if not text.isdecimal() or not int(text):
        raise ValueError(f"last={text} is no number of messages; write one such as {LAST}")
    return int(text)


@dataclass(frozen=True)
class Question:
    """``about`` what, ``since`` when, and of how many messages at the ``last``."""

    about: str
    since: str
    last: int

    @classmethod
    def of(cls, *said: object) -> Question:
        """From what was said of the three, None for what was not. ValueError says all that is wrong with it."""
        parts: list[Any] = []
        problems: list[str] = []
        for read, text, otherwise in zip((about, since, last), said, ("", SINCE, str(LAST)), strict=True):
            try:
                parts.append(read(otherwise if text is None else text))
            except ValueError as why:
                problems.append(str(why))
        if problems:
            raise ValueError("\n".join(problems))
        return cls(*parts)


def answer(host: str, about: str, since: str, lines: Iterable[str], last: int = LAST) -> str:
    """What a person reads of one host."""
    found = journeys(lines)
    if not found:
        return f"{host}: nothing about {about} in the logs of {since.lstrip('-')}; it may never have come here"
    shown = found[-last:]
    more = f", the last {last} of {len(found)} messages" if len(found) > last else ""
    texts = ["\n".join(told(journey)) for journey in shown]
    return "\n".join([f"{host}: {about}, in the logs of {since.lstrip('-')}{more}", *texts, NOTE])
