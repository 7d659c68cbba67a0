"""Messages that were on their way come back on hold, each once, however often a host is restored."""

from __future__ import annotations

import hashlib
import os
import pwd
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from deploys.components.backup.program.state import QUEUES

HOLD = "hold"  # the queue from which nothing leaves by itself


def put(staged: Path, spool: Path, memory: Path) -> dict[str, Path]:
    """Put the messages below ``staged`` on hold; Postfix gives each its new queue ID when it starts (postsuper(1), -s).

    Those that are in the queue already stay out, and those in ``memory``, the list of what came back before: whoever
    released or dropped one has decided. Returns where the others lie now; all of them or, where that fails, none.
    """
    known = {_identity(path) for path in _queued(spool)} | set(_lines(memory))
    came = {_identity(path): path for path in sorted(staged.iterdir())} if staged.exists() else {}
    owner = pwd.getpwnam("postfix")
    done: dict[str, Path] = {}
    try:
        for identity, path in came.items():
            if identity not in known:
                done[identity] = target = spool / HOLD / _free(spool / HOLD, path.name)
                shutil.copyfile(path, target)
                os.chown(target, owner.pw_uid, owner.pw_gid)
                os.chmod(target, 0o700)
    except OSError:
        drop(done)
        raise
    return done


def drop(done: Mapping[str, Path]) -> None:
    """Undo ``put``."""
    for path in done.values():
        path.unlink(missing_ok=True)


def remember(memory: Path, done: Mapping[str, Path]) -> None:
    """Write down what came back."""
    with open(memory, "a", encoding="ascii") as file:
        file.writelines(f"{identity}\n" for identity in done)


def _identity(path: Path) -> str:
    """Of a message, whatever became of its recipients since: its first two records say how large it is, and when it
    came, to the microsecond (cleanup(8); each is a letter, a length and so many bytes)."""
    with open(path, "rb") as file:
        head = file.read(512)
    first = 2 + head[1] if len(head) > 1 else 0
    end = first + 2 + head[first + 1] if len(head) > first + 1 else len(head)
    return hashlib.sha256(head[:end]).hexdigest()


def _queued(spool: Path) -> Iterator[Path]:
    for name in QUEUES:
        for where, _, files in os.walk(spool / name):
            yield from (Path(where, file) for file in files)


def _lines(path: Path) -> list[str]:
    return path.read_text("ascii").splitlines() if path.exists() else []


def _free(directory: Path, name: str) -> str:
    """A queue ID that no message has: another one may have got it since."""
    while (directory / name).exists():
        name += "0"
    return name
