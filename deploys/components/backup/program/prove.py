"""Proof that a backup can be restored: each week a mailbox of it is, on the side, and Dovecot opens it.

Every message is compared with the present one, however large the mailbox is. What of it has room is written to a
directory of its own, which goes again, and Dovecot itself has to read each message of it.
"""

from __future__ import annotations

import hashlib
import json
import os
import pwd
import shutil
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from deploys.components.backup.program.restic import PATH, Failed, Restic
from deploys.components.backup.program.stage import PARTS, folders, unchanging

BLOCK = 1 << 20  # bytes
MOST = 256 << 20  # bytes of a sample
SHARE = 10  # of the room that is free, at most one in so many
WHERE = "/var/tmp"  # nobody but its owner can move what lies there
SECONDS = 1800  # that Dovecot may take


@dataclass
class Sample:
    """What is restored of a mailbox, below ``home``: at most ``room`` bytes; how many ``messages`` that are by now."""

    home: Path
    room: int
    messages: int = 0

    def file(self, name: Path, size: int) -> Path | None:
        """Where a file of the backup goes; None: it is no part of a Maildir, or there is no room for it."""
        parts = name.parts[name.parts.index("Maildir") :] if "Maildir" in name.parts else ()
        if not parts or ".." in parts or size > self.room:
            return None
        self.room -= size
        self.messages += name.parent.name in PARTS
        path = self.home.joinpath(*parts)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return path


def newest(plan: Mapping[str, Any], restic: Restic, week: int) -> dict[str, Any]:
    """Restore one mailbox of the newest backup, by the number of the week. Returns what is to be remembered of it.

    Failed says what is not as it was, or what Dovecot complains of.
    """
    snapshot = restic.snapshots()[-1]
    counts: Mapping[str, int] = json.loads(restic.file(snapshot.id, f"{plan['staged']}/about.json"))["counts"]
    places = sorted(place for place, number in counts.items() if number and not place.startswith("."))
    told: dict[str, Any] = {"at": time.time(), "address": "", "messages": 0, "gone": 0, "opened": 0}
    if not places:
        return told
    place = Path(places[week % len(places)])
    address = f"{place.name}@{place.parent}"
    with tempfile.TemporaryDirectory(prefix="posthaus-restore-", dir=WHERE) as scratch:
        sample = Sample(Path(scratch), min(MOST, shutil.disk_usage(WHERE).free // SHARE))
        with restic.stream("dump", "--no-lock", snapshot.id, f"{plan['mailboxes']}/{place}") as archive:
            same, gone = compared(archive, Path(plan["store"], place), address, sample)
        if same + gone != counts[str(place)]:
            raise Failed(f"of {counts[str(place)]:,} messages of {address} the backup gives back {same + gone:,}")
        opened = opened_by_dovecot(plan, sample)
    if opened != sample.messages:
        raise Failed(f"of {sample.messages:,} messages of {address} that came back, Dovecot shows {opened:,}")
    return {**told, "address": address, "messages": same, "gone": gone, "opened": opened}


def compared(archive: IO[bytes], present: Path, address: str, sample: Sample) -> tuple[int, int]:
    """Of the messages in ``archive`` (tar), how many are the same at ``present``, and how many are no longer there.
    What has room is written to ``sample``.

    Failed names one that is another.
    """
    places = (present / folder / part for folder in folders(present) for part in PARTS)
    known = {unchanging(path.name): path for place in places for path in place.glob("*")}
    same = gone = 0
    with tarfile.open(fileobj=archive, mode="r|") as found:
        for member in found:
            where = Path(member.name)
            if not member.isfile() or not (content := found.extractfile(member)):
                continue
            digest = _digest(content, sample.file(where, member.size))
            if where.parent.name not in PARTS:
                continue
            try:
                with open(known[unchanging(where.name)], "rb") as here:
                    if _digest(here) != digest:
                        raise Failed(f"a message of {address} came back from the backup as another: {where.name}")
                same += 1
            except (KeyError, FileNotFoundError):  # deleted, moved, or marked since
                gone += 1
    return same, gone


def _digest(file: IO[bytes], copy: Path | None = None) -> bytes:
    made = hashlib.sha256()
    with open(copy or os.devnull, "wb") as target:
        while block := file.read(BLOCK):
            made.update(block)
            target.write(block)
    return made.digest()


def opened_by_dovecot(plan: Mapping[str, Any], sample: Sample) -> int:
    """How many messages Dovecot shows of the mailbox at ``sample``, each of which it has read. Failed says why not.

    It is asked as verify's own mailbox, whose messages lie somewhere else for this once.
    """
    owner = pwd.getpwnam(plan["owner"])
    for folder in [sample.home / "Maildir", *(sample.home / "Maildir").glob(".*")]:
        for part in (*PARTS, "tmp"):
            (folder / part).mkdir(mode=0o700, parents=True, exist_ok=True)
    for where, directories, files in os.walk(sample.home):
        for name in (*directories, *files):
            os.chown(os.path.join(where, name), owner.pw_uid, owner.pw_gid, follow_symlinks=False)
    os.chown(sample.home, owner.pw_uid, owner.pw_gid)
    at = f"{sample.home}/Maildir"
    old = _asked("dovecot", "--version").startswith("2.3")
    there = ("-o", f"mail_location=maildir:{at}") if old else ("-o", "mail_driver=maildir", "-o", f"mail_path={at}")
    words = ("doveadm", *there, "-f", "tab", "fetch", "-u", plan["probe"])
    _asked(*words, "text", "mailbox", "*", "all", keep=False)
    return len(_asked(*words, "uid", "mailbox", "*", "all").splitlines()[1:])


def _asked(*words: str, keep: bool = True) -> str:
    done = subprocess.run(
        words,
        env={"PATH": PATH, "LC_ALL": "C.UTF-8"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE if keep else subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        timeout=SECONDS,
    )
    if done.returncode:
        why = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise Failed(f"Dovecot does not open what came back from the backup: {why}")
    return done.stdout or ""
