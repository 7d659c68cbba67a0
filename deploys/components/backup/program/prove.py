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
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from deploys.components.backup.program import person
from deploys.components.backup.program.restic import PATH, Failed, Restic
from deploys.components.backup.program.stage import PARTS, folders, unchanging

BLOCK = 1 << 20  # bytes
MOST = 256 << 20  # bytes of a sample
SHARE = 10  # of the room that is free, at most one in so many
WHERE = "/var/tmp"  # nobody but its owner can move what lies there
SECONDS = 1800  # that Dovecot may take


@dataclass(frozen=True)
class Kept:
    """A mailbox of a backup, where it lies there (``at``), and the home that it was taken from (``present``).
    ``login``: whose home that is, where it is a Unix user's."""

    address: str
    at: str
    messages: int
    present: Path
    login: str = ""


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
    mailboxes = list(kept(plan, json.loads(restic.file(snapshot.id, f"{plan['staged']}/about.json"))))
    told: dict[str, Any] = {"at": time.time(), "address": "", "messages": 0, "gone": 0, "opened": 0}
    if not mailboxes:
        return told
    one = mailboxes[week % len(mailboxes)]
    with tempfile.TemporaryDirectory(prefix="posthaus-restore-", dir=WHERE) as scratch:
        sample = Sample(Path(scratch), min(MOST, shutil.disk_usage(WHERE).free // SHARE))
        with restic.stream("dump", "--no-lock", snapshot.id, one.at) as archive:
            same, gone = _by_its_owner(archive, one, sample, plan["owner"])
        if same + gone != one.messages:
            raise Failed(f"of {one.messages:,} messages of {one.address} the backup gives back {same + gone:,}")
        opened = opened_by_dovecot(plan, sample)
    if opened != sample.messages:
        raise Failed(f"of {sample.messages:,} messages of {one.address} that came back, Dovecot shows {opened:,}")
    return {**told, "address": one.address, "messages": same, "gone": gone, "opened": opened}


def kept(plan: Mapping[str, Any], about: Mapping[str, Any]) -> Iterator[Kept]:
    """The mailboxes that have messages; Unix users' are called by their addresses, where those are known."""
    for place, number in sorted(about["counts"].items()):
        if number and not place.startswith("."):
            domain, _, local = place.partition("/")
            yield Kept(f"{local}@{domain}", f"{plan['mailboxes']}/{place}", number, Path(plan["store"], place))
    addresses = {login: address for address, login in plan["people"].items()}
    for login, one in sorted(about.get("people", {}).items()):
        if one["messages"] and login in addresses:
            home = Path(person.known(login).pw_dir)
            yield Kept(addresses[login], one["at"], one["messages"], home, login)


def _by_its_owner(archive: IO[bytes], one: Kept, sample: Sample, owner: str) -> tuple[int, int]:
    """What ``compared`` says, where nobody's links lead any further than they themselves may go."""
    if not one.login:
        return compared(archive, one.present, one.address, sample)
    place, user = sample.home / "home", person.known(one.login)
    place.mkdir(mode=0o700)
    os.chown(place, user.pw_uid, user.pw_gid)

    def compare() -> list[int]:
        inside = Sample(Path(), sample.room)
        return [*compared(archive, one.present, one.address, inside), inside.messages]

    same, gone, messages = person.run(one.login, compare, place, SECONDS)
    os.chown(sample.home, pwd.getpwnam(owner).pw_uid, -1)  # who opens it; until now it was root's alone
    sample.home, sample.messages = place, messages
    return same, gone


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
