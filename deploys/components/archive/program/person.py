"""What else a person leaves: own and app passwords, and what the webmail keeps. By root, who alone reads it later."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from deploys.components.archive.program import roundcube_user

WEBMAIL = "webmail"  # SquirrelMail's files, below what is kept of a person
ROUNDCUBE = "roundcube"  # a file that says that Roundcube's database has something of theirs, and as whose


def taken(plan: Mapping[str, Any], address: str, kept: Path) -> bool:
    """Move all of it into the directory ``kept``. Whether there was anything."""
    return any(
        [_passwords_taken(plan, address, kept), _settings_taken(plan, address, kept), *_known(plan, address, kept)]
    )


def _passwords_taken(plan: Mapping[str, Any], address: str, kept: Path) -> bool:
    found = False
    with locked(plan):
        for path, at in plan["passwords"].items():
            lines = read(path)
            own = [line for line in lines if _of(line, at) == address]
            if own:
                found = True
                file = kept / os.path.basename(path)
                file.write_text("".join(f"{line}\n" for line in dict.fromkeys([*read(str(file)), *own])), "utf-8")
                write(path, [line for line in lines if line not in own])
    return found


def _settings_taken(plan: Mapping[str, Any], address: str, kept: Path) -> bool:
    names = _settings(plan["preferences"], address)
    for name in names:
        (kept / WEBMAIL).mkdir(mode=0o700, exist_ok=True)
        _moved(Path(plan["preferences"], name), kept / WEBMAIL / name)
    return bool(names)


def _known(plan: Mapping[str, Any], address: str, kept: Path) -> Iterator[bool]:
    if roundcube_user.renamed(plan["database"], address, _asleep(address, kept)):
        (kept / ROUNDCUBE).write_text(_asleep(address, kept), "utf-8")
        yield True


def _asleep(address: str, kept: Path) -> str:
    """What Roundcube's database calls them meanwhile: nobody can log in as this."""
    return f"{address} archived as {kept.name}"


def given_back(plan: Mapping[str, Any], address: str, kept: Path) -> None:
    """Give ``address`` what lies in ``kept``, but nothing in the place of what it has by now; that stays there."""
    with locked(plan):
        for path, at in plan["passwords"].items():
            file, lines = kept / os.path.basename(path), read(path)
            if file.exists() and not any(_of(line, at) == address for line in lines):
                write(path, [*lines, *read(str(file))])
                file.unlink()
    if (kept / WEBMAIL).is_dir():
        for name in os.listdir(kept / WEBMAIL):
            if not os.path.lexists(Path(plan["preferences"], name)):
                _moved(kept / WEBMAIL / name, Path(plan["preferences"], name))
        with contextlib.suppress(OSError):  # what was not given back is still there
            (kept / WEBMAIL).rmdir()
    if roundcube_user.renamed(plan["database"], _asleep(address, kept), address):
        (kept / ROUNDCUBE).unlink(missing_ok=True)


def renamed(plan: Mapping[str, Any], old: str, new: str) -> None:
    """Passwords of ``old`` count for ``new``, too (those of who is declared no more go by themselves), and what the
    webmails keep is ``new``'s from now on; but for what that has already."""
    with locked(plan):
        for path, at in plan["passwords"].items():
            lines = read(path)
            own = [_for(new, line, at) for line in lines if _of(line, at) == old]
            if own and not any(_of(line, at) == new for line in lines):
                write(path, [*lines, *own])
    for name in _settings(plan["preferences"], old):
        target = Path(plan["preferences"], new + name.removeprefix(old))
        if not os.path.lexists(target):
            os.rename(Path(plan["preferences"], name), target)
    roundcube_user.handed_over(plan["database"], old, new)


def forgotten(plan: Mapping[str, Any], address: str, kept: Path) -> None:
    """Delete what of it lies elsewhere: Roundcube's own."""
    roundcube_user.deleted(plan["database"], _asleep(address, kept))


def _settings(preferences: str, address: str) -> list[str]:
    """SquirrelMail's files of one person: ADDRESS.pref, ADDRESS.abook and the like. (a@b.cd's are not a@b's.)"""
    names = sorted(os.listdir(preferences)) if os.path.isdir(preferences) else []
    return [name for name in names if name.startswith(f"{address}.") and "." not in name.removeprefix(f"{address}.")]


def _moved(source: Path, target: Path) -> None:
    about = source.lstat()
    shutil.move(source, target)
    os.chown(target, about.st_uid, about.st_gid, follow_symlinks=False)


@contextlib.contextmanager
def locked(plan: Mapping[str, Any]) -> Iterator[None]:
    """Nobody else changes people's own passwords meanwhile: their service takes the same lock."""
    if not os.path.isdir(plan["chosen"]):
        yield
        return
    directory = os.open(plan["chosen"], os.O_RDONLY)
    try:
        fcntl.flock(directory, fcntl.LOCK_EX)
        yield
    finally:
        os.close(directory)


def _for(address: str, line: str, at: int) -> str:
    """The same row of somebody else."""
    key, colon, rest = line.partition(":")
    parts = key.split("/")
    return "/".join([*parts[:at], address, *parts[at + 1 :]]) + colon + rest


def _of(line: str, at: int) -> str:
    """Whose a row is: in its key the address is the part number ``at``."""
    return [*line.partition(":")[0].split("/"), "", ""][at]


def read(path: str) -> list[str]:
    """The lines of a file; none where it is not there."""
    try:
        with open(path, encoding="utf-8") as file:
            return [line for line in file.read().splitlines() if line]
    except FileNotFoundError:
        return []


def write(path: str, lines: list[str]) -> None:
    """Whole, with owner and mode as they were. Dovecot reads it anew when its time (2.3: in whole seconds) differs."""
    before = os.stat(path)
    handle, new = tempfile.mkstemp(dir=os.path.dirname(path), prefix=".new-")
    with open(handle, "w", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in lines)
        file.flush()
        os.fchown(handle, before.st_uid, before.st_gid)
        os.fchmod(handle, before.st_mode & 0o7777)
        stamp = max(int(time.time()), int(before.st_mtime) + 1)
        os.utime(handle, (stamp, stamp))
        os.fsync(handle)
    os.rename(new, path)
