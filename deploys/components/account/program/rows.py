"""The passwd-files that hold what people chose, and their app passwords. Runs on the host."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from deploys.components.account.options import APPS, CHOSEN, SERVICES, STATE, note

DECLARED = "/etc/dovecot/users"


@dataclass(frozen=True)
class App:
    """An app password: what it is called, the day it was made on (ISO 8601), the SHA-256 of its secret."""

    label: str
    made: str
    digest: str


@contextlib.contextmanager
def locked() -> Iterator[None]:
    """Nobody else changes the files meanwhile."""
    directory = os.open(STATE, os.O_RDONLY)
    try:
        fcntl.flock(directory, fcntl.LOCK_EX)
        yield
    finally:
        os.close(directory)


def declared() -> dict[str, str]:
    """Each mailbox of mail.yaml with its note; an empty one where mail.yaml has no password for it."""
    rows = (line.split(":") for line in read(DECLARED))
    return {row[0]: note(row[1]) if row[1] != "!" else "" for row in rows}


def choose(address: str, mark: str, hashed: str) -> None:
    """From now on this hash counts for ``address``, for as long as its note is ``mark``."""
    others = [line for line in read(CHOSEN) if _of(line, 0) != address]
    write(CHOSEN, [*others, f"{address}/{mark}:{hashed}::::::"])


def chosen(address: str) -> list[str]:
    """The lines of ``address``, to be put back by ``restore``."""
    return [line for line in read(CHOSEN) if _of(line, 0) == address]


def restore(address: str, lines: Sequence[str]) -> None:
    """Make ``lines`` all that is chosen for ``address``."""
    write(CHOSEN, [*(line for line in read(CHOSEN) if _of(line, 0) != address), *lines])


def apps(address: str, mark: str) -> list[App]:
    """The app passwords of ``address``, the oldest first."""
    found: dict[App, None] = {}
    for line in read(APPS):
        key, _, rest = line.partition(":")
        digest, owner, of = key.split("/")[0], _of(line, 1), key.split("/")[-2]
        if (owner, of) == (address, mark):
            fields = dict(field.partition("=")[::2] for field in rest.lstrip(":").split())
            found[App(bytes.fromhex(fields["label"]).decode(), fields["made"], digest)] = None
    return sorted(found, key=lambda app: (app.made, app.label))


def add(address: str, mark: str, label: str, secret: str) -> None:
    """An app password more."""
    digest, made = hashlib.sha256(secret.encode()).hexdigest(), time.strftime("%Y-%m-%d", time.gmtime())
    fields = f"nopassword label={label.encode().hex()} made={made}"
    new = [f"{digest}/{address}/{mark}/{service}:::::::{fields}" for service in SERVICES]
    write(APPS, [*read(APPS), *new])


def drop(address: str, mark: str, label: str) -> None:
    """The app password of this name is none any more."""
    digests = {app.digest for app in apps(address, mark) if app.label == label}
    write(APPS, [line for line in read(APPS) if line.split("/")[0] not in digests])


def prune() -> list[str]:
    """Forget what belongs to a mailbox that is gone, or to another hash than mail.yaml has now. Those whose it was.

    A mailbox that is there without a password keeps its rows, which open nothing until its hash comes back.
    """
    marks, gone = declared(), set[str]()

    def counts(line: str, at: int) -> bool:
        address, mark = _of(line, at), line.partition(":")[0].split("/")[-1 - at]
        kept = address in marks and marks[address] in ("", mark)
        if not kept:
            gone.add(address)
        return kept

    with locked():
        for path, at in ((CHOSEN, 0), (APPS, 1)):
            lines = read(path)
            kept = [line for line in lines if counts(line, at)]
            if kept != lines:
                write(path, kept)
    return sorted(gone)


def write(path: str, lines: Sequence[str]) -> None:
    """Put a file in place whole. Dovecot reads it anew when its time (2.3: in whole seconds) or its size differs."""
    directory, before = os.stat(STATE), os.stat(path)
    handle, new = tempfile.mkstemp(dir=STATE, prefix=".new-")
    try:
        with open(handle, "w", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in lines)
            file.flush()
            os.fchown(handle, directory.st_uid, directory.st_gid)
            os.fchmod(handle, 0o640)
            stamp = max(int(time.time()), int(before.st_mtime) + 1)
            os.utime(handle, (stamp, stamp))
            os.fsync(handle)
        os.rename(new, path)
    except BaseException:
        os.unlink(new)
        raise


def _of(line: str, at: int) -> str:
    """Whose a line is: in its key, the address begins after ``at`` parts; an address may have slashes of its own."""
    parts = line.partition(":")[0].split("/")
    return "/".join(parts[at : len(parts) - 1 - at])


def read(path: str) -> list[str]:
    """The lines of a passwd-file."""
    with open(path, encoding="utf-8") as file:
        return [line for line in file.read().splitlines() if line]
