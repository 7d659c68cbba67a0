"""What else a person leaves: own and app passwords, and what the webmail keeps. By root, who alone reads it later."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

WEBMAIL = "webmail"  # SquirrelMail's files, below what is kept of a person
ROUNDCUBE = "roundcube"  # a file that names the user of Roundcube's database as whom the person is kept there
_AS = """import sqlite3, sys
path, word, *names = sys.argv[1:]
with sqlite3.connect(path, timeout=30) as database:
    known = [one for one, in database.execute("select user_id from users where username = ?", names[:1])]
    if word == "rename":
        taken = database.execute("select 1 from users where username = ?", names[1:]).fetchone()
        if known and not taken:
            database.execute("update users set username = ? where username = ?", (names[1], names[0]))
            print("done")
    for user in known if word == "delete" else ():
        tables = [one for one, in database.execute("select name from sqlite_master where type = 'table'")]
        columns = {one: [row[1] for row in database.execute(f"pragma table_info({one})")] for one in tables}
        for one in tables:
            if "contactgroup_id" in columns[one] and "user_id" not in columns[one]:
                groups = "select contactgroup_id from contactgroups where user_id = ?"
                database.execute(f"delete from {one} where contactgroup_id in ({groups})", (user,))
        for one in tables:
            if "user_id" in columns[one]:
                database.execute(f"delete from {one} where user_id = ?", (user,))
"""


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
    name = f"{address} archived as {kept.name}"  # nobody can log in as this
    if _roundcube(plan, "rename", address, name):
        (kept / ROUNDCUBE).write_text(name, "utf-8")
        yield True


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
    if (kept / ROUNDCUBE).exists() and _roundcube(plan, "rename", (kept / ROUNDCUBE).read_text("utf-8"), address):
        (kept / ROUNDCUBE).unlink()


def forgotten(plan: Mapping[str, Any], kept: Path) -> None:
    """Delete what of it lies elsewhere: Roundcube's own."""
    if (kept / ROUNDCUBE).exists():
        _roundcube(plan, "delete", (kept / ROUNDCUBE).read_text("utf-8"))


def _settings(preferences: str, address: str) -> list[str]:
    """SquirrelMail's files of one person: ADDRESS.pref, ADDRESS.abook and the like. (a@b.cd's are not a@b's.)"""
    names = sorted(os.listdir(preferences)) if os.path.isdir(preferences) else []
    return [name for name in names if name.startswith(f"{address}.") and "." not in name.removeprefix(f"{address}.")]


def _moved(source: Path, target: Path) -> None:
    about = source.lstat()
    shutil.move(source, target)
    os.chown(target, about.st_uid, about.st_gid, follow_symlinks=False)


def _roundcube(plan: Mapping[str, Any], *words: str) -> bool:
    """Whether the database did as the words say; as its owner, who may not be led astray as root could be."""
    path = plan["database"]
    if not os.path.isfile(path):
        return False
    owner = os.stat(path)
    done = subprocess.run(
        [sys.executable, "-I", "-c", _AS, path, *words],
        user=owner.st_uid, group=owner.st_gid, extra_groups=[], cwd="/",
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout.strip() == "done"


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
