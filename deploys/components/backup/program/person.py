"""What is done in a Unix user's home is done as that user: whatever its links lead to, nobody gets further by them.

The process is this one's child and runs no other program, so that the kernel lets nobody of its user's look into it or
take its files (prctl(2), PR_SET_DUMPABLE). It works in ``where``, a directory that only root can reach by its path.
"""

from __future__ import annotations

import contextlib
import json
import os
import pwd
import resource
import select
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from deploys.components.backup.program.restic import Failed, plainly

SECONDS = 3600  # that one of these may take: somebody's home may hold what never ends
MEMORY, LARGEST = 2 << 30, 4 << 30  # bytes; the latter of a file that it writes
DEEPEST = 300  # calls within calls, of which each directory in a directory is one


def known(login: str) -> pwd.struct_passwd:
    """The Unix user. Failed says that there is none, or none that is a person."""
    try:
        one = pwd.getpwnam(login)
    except KeyError:
        raise Failed(f"there is no Unix user {login}") from None
    if not one.pw_uid:
        raise Failed(f"{login} is root")
    return one


def run(login: str, what: Callable[[], Any], where: str | Path = "/", seconds: float = SECONDS) -> Any:
    """What ``what`` returns (plain values, as JSON has them), done as ``login`` in the directory ``where``.

    Failed says why it was not done.
    """
    one = known(login)
    sys.stdout.flush()
    reading, writing = os.pipe()
    if not (child := os.fork()):
        os.close(reading)
        _as(one, what, where, writing)
    os.close(writing)
    try:
        answer = _answer(reading, time.monotonic() + seconds)
    finally:
        os.close(reading)
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)  # it has answered, or never will
        os.waitpid(child, 0)
    if answer is None:
        raise Failed(f"{login}: not done after {seconds:,.0f} seconds")
    try:
        told: dict[str, Any] = json.loads(answer)
    except ValueError:
        raise Failed(f"{login}: somebody ended it") from None
    if "failed" in told:
        raise Failed(f"{login}: {shown(told['failed'])}")
    return told["done"]


def _answer(reading: int, until: float) -> bytes | None:
    """All that comes; None where it does not end in time."""
    parts: list[bytes] = []
    while (left := until - time.monotonic()) > 0:
        if select.select([reading], [], [], left)[0]:
            if not (part := os.read(reading, 1 << 16)):
                return b"".join(parts)
            parts.append(part)
    return None


def _as(one: pwd.struct_passwd, what: Callable[[], Any], where: str | Path, writing: int) -> NoReturn:
    try:  # whatever happens, it never becomes a second one of its parent
        try:
            _become(one, where)
            told = {"done": what()}
        except Exception as why:
            told = {"failed": plainly(why)}
        with open(writing, "w", encoding="ascii") as answer:
            json.dump(told, answer)
    finally:
        os._exit(0)


def _become(one: pwd.struct_passwd, where: str | Path) -> None:
    os.chdir(where)
    os.initgroups(one.pw_name, one.pw_gid)
    os.setresgid(one.pw_gid, one.pw_gid, one.pw_gid)
    os.setresuid(one.pw_uid, one.pw_uid, one.pw_uid)
    os.umask(0o077)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST, LARGEST))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.setrecursionlimit(DEEPEST)


def shown(text: str) -> str:
    """A name that somebody gave, for a terminal: without what a terminal would obey."""
    return "".join(one if one.isprintable() else "?" for one in text)
