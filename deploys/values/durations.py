"""Spans of time as people write them, in seconds."""

from __future__ import annotations

import re
from collections.abc import Callable

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def duration(value: object) -> int:
    """Seconds from ``600``, ``"10m"`` or ``"1h"`` (s, m, h, d, w)."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    match = re.fullmatch(r"(\d{1,9})\s?([smhdw])", value, re.I) if isinstance(value, str) else None
    if not match:
        raise ValueError("is no span of time; write seconds or a number with s, m, h, d or w, such as 10m")
    return int(match[1]) * UNITS[match[2].lower()]


def in_words(seconds: int) -> str:
    """``10m`` for 600: the shortest exact form."""
    for unit in reversed(UNITS):
        if seconds and seconds % UNITS[unit] == 0:
            return f"{seconds // UNITS[unit]}{unit}"
    return f"{seconds}s"


def between(least: int, most: int) -> Callable[[int], int]:
    """A check that a span lies within limits (seconds), told as people write them."""

    def check(seconds: int) -> int:
        if not least <= seconds <= most:
            asked = f"{in_words(least)} to {in_words(most)}"
            raise ValueError(f"{in_words(seconds)} is out of range; write a span from {asked}")
        return seconds

    return check
