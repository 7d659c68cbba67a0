"""Folders of a backup, put into a mailbox beside the present ones. As the owner of mail."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from deploys.components.backup.program import uids
from deploys.components.backup.program.stage import PARTS, folders
from deploys.values.utf7 import decoded, encoded

KEYWORDS = "dovecot-keywords"
COMING = "posthaus-restoring"  # without a dot in front, it is no folder
LONGEST = 255  # bytes of a file's name


def put(restored: Path, present: Path, name: str, folder: str) -> dict[str, Any]:
    """Move the messages of the mailbox at ``restored`` into that at ``present``, below a new folder ``name``.

    ``folder``: this one and those below it; "" for all. Returns the new ``folders`` by the old ones, as people name
    them, and how many ``messages``; without any, which folders were ``there``. UIDs stay, which no program knows below
    a UIDVALIDITY that is new.
    """
    there = {path.removeprefix("Maildir").removeprefix("/.") or "INBOX": path for path in folders(restored)}
    taken = {inside: there[inside] for inside in chosen(there, folder)}
    top, number = _free(present / "Maildir", encoded(name)), 0
    names: dict[str, str] = {}
    for left in (present / "Maildir").glob(f"{COMING}.*"):  # by one that was killed
        shutil.rmtree(left)
    ready: dict[Path, Path] = {}  # all is there before people see the first of it
    for inside, path in taken.items():
        new = present / "Maildir" / f"{COMING}.{len(ready)}"
        for part in ("cur", "new", "tmp"):
            (new / part).mkdir(mode=0o700, parents=True)
        new.chmod(0o700)
        (new / "maildirfolder").touch(0o600)
        _lists(restored / path, new)
        for part in PARTS:
            number += _moved(restored / path / part, new / part)
        called = f"{top}.{inside}"
        if len(f".{called}".encode()) > LONGEST:
            called = f"{top}.Long name {len(names) + 1}"
        ready[new] = present / "Maildir" / f".{called}"
        names[named(inside)] = named(called)
    for new, folder_there in ready.items():
        os.rename(new, folder_there)
    return {"folders": names, "messages": number, **({} if names else {"there": sorted(map(named, there))})}


def chosen(there: Iterable[str], folder: str) -> list[str]:
    """Those of the folders ``there``, as they are called on the disk, that are ``folder``, as people call it, or lie
    below it; all where it is ""."""
    wanted = encoded(folder).strip("/").replace("/", ".")
    wanted = "INBOX" if wanted.upper() == "INBOX" else wanted
    return [one for one in there if not wanted or one == wanted or one.startswith(f"{wanted}.")]


def _lists(source: Path, target: Path) -> None:
    """What a keyword's letter means, and which message has which UID."""
    if (source / KEYWORDS).exists():
        os.rename(source / KEYWORDS, target / KEYWORDS)
    known = (source / uids.LIST).read_bytes() if (source / uids.LIST).exists() else b""
    if known := uids.of_another(known, int(time.time())):
        (target / uids.LIST).write_bytes(known)


def named(folder: str) -> str:
    """As people call a folder, by what it is called on the disk."""
    return decoded(folder.replace(".", "/"))


def _moved(source: Path, target: Path) -> int:
    found = list(os.scandir(source)) if source.exists() else []
    for entry in found:
        os.rename(entry.path, target / entry.name)
    return len(found)


def _free(maildir: Path, name: str) -> str:
    """``name``, or ``name (2)`` and so on: one that no folder has."""
    for number in range(1, 1000):
        tried = name if number == 1 else f"{name} ({number})"
        if not [*maildir.glob(f".{tried}"), *maildir.glob(f".{tried}.*")]:
            return tried
    raise FileExistsError(name)
