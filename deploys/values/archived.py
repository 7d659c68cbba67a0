"""Whose an archived mailbox was, and since when it is one, as the name of its directory says: ``DOMAIN/LOCAL.TIME``."""

from __future__ import annotations

import calendar
import re
import time
from pathlib import Path

_TIME = "%Y%m%dT%H%M%SZ"
_NAME = re.compile(r"(?P<local>.+)\.(?P<time>\d{8}T\d{6}Z)")


def name(local: str, at: float) -> str:
    """The directory's name, of the part of an address before the @, and of seconds since the epoch."""
    return f"{local}.{time.strftime(_TIME, time.gmtime(at))}"


def day(seconds: float) -> str:
    """The day of a moment since the epoch (UTC), as people say it."""
    return time.strftime("%Y-%m-%d", time.gmtime(seconds))


def whose(kept: Path) -> tuple[str, int] | None:
    """The reverse: the address, and the seconds since the epoch; None for a directory of another name."""
    named = _NAME.fullmatch(kept.name)
    if not named:
        return None
    try:
        return f"{named['local']}@{kept.parent.name}", calendar.timegm(time.strptime(named["time"], _TIME))
    except ValueError:  # no such day
        return None
