"""Mailboxes that go to the archive and come back. Runs as the owner of mail, who can do no harm elsewhere.

A home moves by one rename, so its messages are at no moment half there. A link stays in its place for as long as
deliveries may be on their way that have asked for it before: they reach the same mailbox.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import time
from pathlib import Path
from typing import Any

KEPT = ".archive"  # below the store
_HERE, _EXCHANGE = -100, 2  # AT_FDCWD, RENAME_EXCHANGE: renameat2(2)
_ACL = ("dovecot-acl", "dovecot-acl-list")


def place(store: Path, domain: str, entry: str) -> Path:
    """Where the home of an archived mailbox lies."""
    return store / KEPT / domain / entry


def moved(store: Path, domain: str, local: str, entry: str) -> dict[str, Any]:
    """Move the home of ``local`` at ``domain`` away, if there is one. Returns the number of ``messages`` that are in
    the archive as ``entry`` now, None where there was no home; or why it ``stays`` where it is."""
    home, kept = store / domain / local, place(store, domain, entry)
    if home.is_dir() and home.is_symlink() and not os.readlink(home).startswith("../"):  # no run made it
        why = (
            f"{home} stays where it is, for it is a link to {os.readlink(home)}: whoever gets the address would read it"
        )
        return {"messages": None, "stays": why}
    if home.is_dir() and not home.is_symlink():
        kept.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if kept.is_symlink():  # a run died here
            kept.unlink()
        try:
            _away(home, kept)
        except OSError as error:
            return {"messages": None, "stays": f"{home} stays where it is ({error.strerror})"}
    return {"messages": count(kept) if kept.is_dir() else None, "stays": ""}


def _away(home: Path, kept: Path) -> None:
    link = os.path.relpath(kept, home.parent)
    kept.symlink_to(link)  # it leads somewhere only once it is where the home was
    if not exchanged(home, kept):
        kept.unlink()
        os.rename(home, kept)
        home.symlink_to(link)


def exchanged(one: Path, other: Path) -> bool:
    """Whether the two have changed places, at one moment; False where the file system cannot, and nothing is done."""
    libc = ctypes.CDLL(None, use_errno=True)
    return bool(libc.renameat2(_HERE, os.fsencode(one), _HERE, os.fsencode(other), _EXCHANGE) == 0)


def unlinked(store: Path, domain: str, local: str) -> bool:
    """Take away the link that ``moved`` left. Whether a home of its own has come there instead."""
    home = store / domain / local
    if home.is_symlink() and os.readlink(home).startswith(f"../{KEPT}/"):
        home.unlink()
    return home.is_dir() and not home.is_symlink()


def back(store: Path, domain: str, local: str, entry: str) -> str:
    """Put the archived home in its place again. One that is there may hold nothing (``holds``), and is kept beside;
    its path is returned if something has come there at the last moment."""
    home, kept = store / domain / local, place(store, domain, entry)
    home.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    unlinked(store, domain, local)
    aside = home.with_name(f".{local}.empty.{int(time.time())}")
    if not home.exists():
        os.rename(kept, home)
    elif exchanged(kept, home):
        os.rename(kept, aside)
    else:
        os.rename(home, aside)
        os.rename(kept, home)
    for name in _ACL:  # whom it was shared with, mail.yaml says; the next run lets its members in
        for file in (home / "Maildir" / name, *(home / "Maildir").glob(f".*/{name}")):
            file.unlink(missing_ok=True)
    return str(aside) if aside.is_dir() and holds(aside) else ""


def deleted(store: Path, domain: str, entry: str) -> None:
    """Delete an archived home for good."""
    if place(store, domain, entry).is_dir():
        shutil.rmtree(place(store, domain, entry))


def holds(home: Path) -> bool:
    """Whether there are messages or Sieve scripts: a script is a person's work as a message is."""
    return bool(count(home)) or any((home / "sieve").glob("*.sieve"))


def count(home: Path) -> int:
    """How many messages lie in all folders."""
    maildir = home / "Maildir"
    parts = [folder / part for folder in (maildir, *maildir.glob(".*")) for part in ("cur", "new")]
    return sum(len(os.listdir(part)) for part in parts if part.is_dir())
