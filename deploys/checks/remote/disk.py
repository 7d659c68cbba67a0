"""What lies on the disk, against what it should be: contents, owners, modes. Nothing of any content is said."""

from __future__ import annotations

import grp
import hashlib
import os
import pathlib
import pwd
import stat
from collections.abc import Iterator
from typing import Any

from deploys.checks.remote.protocols import say

MOST = 25  # paths that are named; further ones are counted
Wrong = Iterator[tuple[str, str]]


def disk(wanted: dict[str, Any]) -> tuple[int, str]:
    """Say how many files and directories were looked at, and each that is not as ``wanted``; see declared.py."""
    for check, wrong in (("disk", declared(wanted)), ("disk-code", code(wanted["code"]))):
        found = list(wrong)
        for path, why in found[:MOST]:
            say(f"{check}-wrong", 0, why, name=path)
        say(check, len(found), f"{len(found) - MOST} more" if len(found) > MOST else "")
    return 1, "to the end"


def declared(wanted: dict[str, Any]) -> Wrong:
    """Files (path: mode, user, group, SHA-256), directories, and keys, of which only those that exist are looked at."""
    for path, words in wanted["files"].items():
        yield from of_path(path, words, stat.S_ISREG, must=True)
    for path, words in wanted["directories"].items():
        yield from of_path(path, words, stat.S_ISDIR, must=True)
    for path, words in wanted["keys"].items():
        yield from of_path(path, words, stat.S_ISREG, must=False)


def of_path(path: str, words: list[str], kind: Any, must: bool) -> Wrong:
    """What is wrong with one path; nothing, or its first fault."""
    mode, user, group, *digest = words
    try:
        there = os.stat(path)
        if not kind(there.st_mode):
            yield path, "is something else"
        elif f"{stat.S_IMODE(there.st_mode):04o}" != mode:
            yield path, f"mode {stat.S_IMODE(there.st_mode):04o}, not {mode}"
        elif (owner := f"{_user(there.st_uid)}:{_group(there.st_gid)}") != f"{user}:{group}":
            yield path, f"{owner}'s, not {user}:{group}'s"
        elif digest and digest[0] and digest_of(path) != digest[0]:
            yield path, "not what mail.yaml makes of it"
    except FileNotFoundError:
        if must:
            yield path, "is not there"


def code(wanted: dict[str, Any]) -> Wrong:
    """A program's tree: every file with its SHA-256, no other, and nobody's to write but root's."""
    if not wanted:
        return
    top = pathlib.Path(wanted["top"]).resolve()
    left = dict(wanted["files"])
    for directory, _, names in os.walk(top):
        for name in names:
            path = pathlib.Path(directory, name)
            relative = str(path.relative_to(top))
            if relative in wanted["ours"]:
                continue
            digest = left.pop(relative, None)
            there = path.lstat()
            if digest is None:
                yield str(path), "is none of its files"
            elif not stat.S_ISREG(there.st_mode) or digest_of(str(path)) != digest:
                yield str(path), "changed"
            elif there.st_uid or there.st_mode & 0o022:
                yield str(path), f"others than root may write it (mode {stat.S_IMODE(there.st_mode):04o})"
    for relative in left:
        yield str(top / relative), "is not there"


def digest_of(path: str) -> str:
    """The SHA-256 of a file, in hex."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() if hasattr(hashlib, "file_digest") else _slowly(file)


def _slowly(file: Any) -> str:
    digest = hashlib.sha256()
    while part := file.read(1 << 20):
        digest.update(part)
    return digest.hexdigest()


def _user(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def _group(number: int) -> str:
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)
