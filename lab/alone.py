"""Of several processes that want to make the same thing, one makes it and the others wait."""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def alone(what: str, where: Path | None = None) -> Iterator[None]:
    """Hold the lock called ``what`` (a file name's characters) against this user's other processes; waits for it.

    ``where``: the directory that the processes have in common, if not the whole machine.
    """
    path = (where or Path(tempfile.gettempdir())) / f"posthaus-{os.getuid()}-{what}.lock"
    handle = os.open(path, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)  # the kernel lets go of the lock with it
