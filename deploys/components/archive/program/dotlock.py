"""Files of Dovecot's that are written as it writes them: what is written to the lock takes the file's place, so nobody
reads half of one, and what two change at once is not lost."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

PATIENCE, STALE = 30, 120  # seconds; a lock of that age was left by somebody who has died
Lines = list[str]


def changed(path: Path, change: Callable[[Lines], Lines]) -> None:
    """Have ``change`` make other lines of those of ``path``, which may not be there. What its owner may not read, or
    somebody deletes meanwhile, stays as it is."""
    before, mode = read(path)
    if change(before) == before:
        return
    lock = path.with_name(f"{path.name}.lock")
    try:
        handle = _locked(lock)
    except FileNotFoundError:  # its whole directory has gone
        return
    try:
        with open(handle, "w", encoding="utf-8", errors="surrogateescape") as file:
            before, mode = read(path)
            file.writelines(f"{line}\n" for line in change(before))
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        os.rename(lock, path)
    except BaseException:
        lock.unlink(missing_ok=True)
        raise


def read(path: Path) -> tuple[Lines, int]:
    """The lines of a file, and its mode; none where there is none that may be read."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return [line for line in file.read().split("\n") if line], os.fstat(file.fileno()).st_mode & 0o777
    except (FileNotFoundError, PermissionError):
        return [], 0o600


def _locked(lock: Path) -> int:
    until = time.monotonic() + PATIENCE
    while True:
        try:
            return os.open(lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        except FileExistsError:
            _wait(lock, until)


def _wait(lock: Path, until: float) -> None:
    try:
        if time.time() - lock.stat().st_mtime > STALE:
            lock.unlink(missing_ok=True)
    except FileNotFoundError:
        return
    if time.monotonic() > until:
        raise TimeoutError(f"{lock} is held by another program; where none is at work, it was left over: take it away")
    time.sleep(0.05)
