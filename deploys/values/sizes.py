"""Sizes as people write them, in bytes."""

from __future__ import annotations

import re
from collections.abc import Callable

UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


def size(value: object) -> int:
    """Bytes from ``52428800``, ``"50M"`` or ``"1.5 GiB"`` (K, M, G, T are powers of 1024)."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    match = re.fullmatch(r"(\d{1,15}(?:\.\d+)?)\s?([KMGT]?)(?:i?B)?", value, re.I) if isinstance(value, str) else None
    if not match:
        raise ValueError("is not a size; write bytes or a number with K, M, G or T, such as 50M")
    return int(float(match[1]) * UNITS[match[2].upper()])


def in_words(number: int) -> str:
    """``50M`` for 52428800: the shortest exact form."""
    for unit in ("T", "G", "M", "K"):
        if number and number % UNITS[unit] == 0:
            return f"{number // UNITS[unit]}{unit}"
    return str(number)


def between(least: int, most: int) -> Callable[[int], int]:
    """A check that a size lies within limits (bytes), told as people write sizes."""

    def check(number: int) -> int:
        if not least <= number <= most:
            asked = f"{in_words(least)} to {in_words(most)}"
            raise ValueError(f"{in_words(number)} is out of range; write a size from {asked}")
        return number

    return check
