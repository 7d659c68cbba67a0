"""Copies of all else that no run can make again: keys, settings, databases, the queue. Each as it is at one moment."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import stat
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

SQLITE = b"SQLite format 3\x00"
BESIDE = ("-wal", "-shm", "-journal")  # what SQLite keeps beside a database
QUEUES = ("incoming", "active", "deferred", "hold")
WHOLE = 0o100  # Postfix marks a message that is in the queue whole so (cleanup(8))


def copy(source: Path, target: Path) -> None:
    """``source`` with owners, modes and times, as ``target``, which is not there. What goes meanwhile is left out."""
    try:
        about = source.lstat()
        if stat.S_ISDIR(about.st_mode):
            target.mkdir(mode=0o700, parents=True)
            for name in sorted(os.listdir(source)):
                if not any(name.endswith(end) and _is_database(source / name.removesuffix(end)) for end in BESIDE):
                    copy(source / name, target / name)
        elif stat.S_ISLNK(about.st_mode):
            target.symlink_to(os.readlink(source))
        elif stat.S_ISREG(about.st_mode):
            _file(source, target)
        else:  # a socket, a pipe
            return
    except FileNotFoundError:
        return
    os.chown(target, about.st_uid, about.st_gid, follow_symlinks=False)
    if not stat.S_ISLNK(about.st_mode):
        os.chmod(target, stat.S_IMODE(about.st_mode))
        os.utime(target, ns=(about.st_atime_ns, about.st_mtime_ns))


def _file(source: Path, target: Path) -> None:
    if not _is_database(source):
        shutil.copyfile(source, target)
        return
    with (
        closing(sqlite3.connect(f"{source.as_uri()}?mode=ro", uri=True, timeout=60)) as one,
        closing(sqlite3.connect(target)) as other,
    ):
        one.backup(other)  # https://www.sqlite.org/backup.html


def _is_database(path: Path) -> bool:
    try:
        with open(path, "rb") as file:
            return file.read(len(SQLITE)) == SQLITE
    except OSError:
        return False


def move(source: Path, target: Path) -> None:
    """``target`` is there whole or not at all; until it is, ``source`` is."""
    try:
        os.rename(source, target)
    except OSError as why:
        if why.errno != errno.EXDEV:  # another file system, or another layer of one
            raise
        part = target.with_name(f".posthaus-new-{target.name}")
        remove(part)
        try:
            copy(source, part)
            os.rename(part, target)
        except BaseException:  # most of all on a full disk
            remove(part)
            raise
        _gone(source)


def _gone(path: Path) -> None:
    """Under another name first: whoever is killed here leaves no half of it in its place."""
    old = path.with_name(f".posthaus-old-{path.name}")
    remove(old)
    try:
        os.rename(path, old)
    except OSError:  # of a lower layer: it cannot be renamed at all
        remove(path)
    remove(old)


def remove(path: Path) -> None:
    """Whatever it is, and whether or not it is there."""
    if not path.is_symlink() and path.is_dir():  # in this order: where a link leads one may not look, perhaps
        shutil.rmtree(path)
    elif os.path.lexists(path):
        path.unlink()


def everything(paths: Iterable[str], target: Path) -> list[str]:
    """Copy those of the absolute ``paths`` that there are to the same places below ``target``; they are returned."""
    found = [path for path in paths if os.path.lexists(path)]
    for path in found:
        place = target / path.strip("/")
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        copy(Path(path), place)
    return found


def queue(spool: Path, target: Path) -> int:
    """Copy each message of Postfix's queue to ``target``, by its queue ID. Returns how many there are.

    Messages move while it is looked at, so it is done twice.
    """
    target.mkdir(mode=0o700, parents=True)
    for _ in range(2):
        for name in QUEUES:
            for where, _below, files in os.walk(spool / name):
                for file in files:
                    _message(Path(where, file), target / file)
    return len(os.listdir(target))


def _message(source: Path, target: Path) -> None:
    try:
        about = source.lstat()
        if stat.S_ISREG(about.st_mode) and about.st_mode & WHOLE and not target.exists():
            copy(source, target)
    except FileNotFoundError:
        return
