"""The exit code of a run that only looks: 0 all is well, 1 something warns, 2 something fails."""

from __future__ import annotations

import atexit
import os
import sys

from pyinfra import state

UNREACHED = 2  # a host that nobody could look at is not well
_worst: list[int] = []


def by_severity(severity: int) -> None:
    """Have the run end with ``severity``, or what another of its hosts has that is worse. pyinfra knows 0 and 1 alone,
    so the exit is taken over once it has said all that it says."""
    if not _worst:
        atexit.register(_exit)
    _worst.append(severity)


def _exit() -> None:
    if code := max([*_worst, UNREACHED if state.failed_hosts else 0]):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
