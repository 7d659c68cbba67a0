"""Files of a backup, fetched to where they are put in place from. Nothing that is there before is touched."""

from __future__ import annotations

import grp
import os
import pwd
import shutil
import subprocess
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from deploys.components.backup.program.restic import PATH, Failed, Restic, Snapshot, literally

BLOCK = 4096  # bytes: what a file takes on the disk is a multiple of that
MB = 1 << 20
READER = "redis-check-rdb"  # of the package redis-tools, as the server


def fetch(restic: Restic, tell: Callable[[str], None], snapshot: Snapshot, path: str, target: Path) -> Path:
    """Fetch all below ``path`` of a snapshot to a new directory ``target``, where there is room for it. Returns where
    it lies. Failed says why it does not."""
    if os.path.lexists(target):
        shutil.rmtree(target)
    target.mkdir(mode=0o700, parents=True)
    needed = taking(size for _, size in restic.files(snapshot.id, path))
    room(target, needed)
    tell(f"fetching {path}: {needed / MB:,.0f} MB")
    restic.said("restore", snapshot.id, "--target", str(target), "--include", literally(path))
    return target / path.strip("/")


def taking(sizes: Iterable[int]) -> int:
    """How many bytes of a disk files of these ``sizes`` take."""
    return sum(-(-size // BLOCK) * BLOCK for size in sizes)


def room(target: Path, needed: int) -> None:
    """See that ``needed`` bytes fit there, and a twentieth more."""
    disk = os.statvfs(target if target.exists() else target.parent)
    free = disk.f_bavail * disk.f_frsize
    if free < needed * 1.05:
        raise Failed(
            f"{target.parent} has {free / MB:,.0f} MB left, and {needed * 1.05 / MB:,.0f} MB are needed, for what is"
            " there now is kept beside what comes back"
        )


def owned(owner: str, mail: Path) -> None:
    """Mailboxes belong to whoever owns mail here, whatever number that was."""
    one = pwd.getpwnam(owner)
    for where, directories, files in os.walk(mail):
        for name in (*directories, *files):
            os.chown(os.path.join(where, name), one.pw_uid, one.pw_gid, follow_symlinks=False)
    os.chown(mail, one.pw_uid, one.pw_gid)


def renumbered(top: Path, about: Mapping[str, Any]) -> None:
    """Files belong to whom they belonged to by name: on another host the numbers are others'."""
    users = {int(number): name for number, name in about["users"].items()}
    groups = {int(number): name for number, name in about["groups"].items()}
    for where, directories, files in os.walk(top):
        for name in (*directories, *files):
            path = os.path.join(where, name)
            was = os.lstat(path)
            uid = _number(pwd.getpwnam, users.get(was.st_uid), was.st_uid, "pw_uid")
            gid = _number(grp.getgrnam, groups.get(was.st_gid), was.st_gid, "gr_gid")
            if (uid, gid) != (was.st_uid, was.st_gid):
                os.chown(path, uid, gid, follow_symlinks=False)


def unreadable(top: Path) -> list[str]:
    """Take away below ``top`` what Redis on this host cannot read, and would not start with: a file of a newer one, on
    a host of an older release. Returns their paths."""
    files = [path for path in sorted(top.rglob("*.rdb")) if path.is_file()]
    found = [path for path in files if shutil.which(READER, path=PATH) and _refused(path)]
    for path in found:
        path.unlink()
    return [f"/{path.relative_to(top)}" for path in found]


def _refused(path: Path) -> bool:
    return subprocess.run([READER, path], capture_output=True, env={"PATH": PATH}, check=False).returncode != 0


def _number(known: Any, name: str | None, number: int, field: str) -> int:
    try:
        return int(getattr(known(name), field)) if name else number
    except KeyError:
        return number
