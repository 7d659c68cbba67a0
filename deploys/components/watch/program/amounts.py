"""Amounts as people say them."""

from __future__ import annotations

MINUTE, HOUR, DAY = 60, 3600, 86_400


def size(number: float) -> str:
    """Bytes to three digits: ``1.46 G``, ``230 M``."""
    for unit in ("", "K", "M", "G"):
        if number < 999.5:
            return f"{number:.3g} {unit}".strip()
        number /= 1024
    return f"{number:.3g} T"


def span(seconds: float) -> str:
    """``3 days``, ``5 hours``, ``12 minutes``, ``1 second``; rounded down."""
    for unit, length in (("day", DAY), ("hour", HOUR), ("minute", MINUTE)):
        if seconds >= length:
            return count(int(seconds // length), unit)
    return count(max(0, int(seconds)), "second")


def count(number: int, what: str) -> str:
    """``1 message``, ``2,140 messages``; ``address`` becomes ``addresses``."""
    plural = f"{what}es" if what.endswith(("s", "x")) else f"{what}s"
    return f"{number:,} {what if number == 1 else plural}"
