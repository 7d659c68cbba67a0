"""Wait for something to become true, for a bounded time."""

from __future__ import annotations

import time
from collections.abc import Callable

from lab.errors import LabError


def wait_until(done: Callable[[], bool], seconds: float, otherwise: str) -> None:
    """Ask ``done`` five times a second for at most ``seconds``; raises LabError with ``otherwise`` after that."""
    end = time.monotonic() + seconds
    while not done():
        if time.monotonic() > end:
            raise LabError(otherwise)
        time.sleep(0.2)
