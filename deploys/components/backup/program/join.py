"""Mailboxes that come back, joined with what has come to the host since: nothing of either is lost."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Set
from pathlib import Path

from deploys.components.backup.program import state, uids
from deploys.components.backup.program.stage import PARTS, folders, stores, unchanging

_LETTERS = re.compile(r"(?<=:2,)([A-Z]*)[a-z]*")  # of flags; small ones are keywords, by the folder's own list


def newer(known: Set[str], store: Path) -> dict[str, int]:
    """By address, how many messages lie in ``store`` whose names (the part that never changes) are not ``known``."""
    found = {}
    for place in stores(store):
        if new := unknown(store / place, known):
            found[f"{place.name}@{place.parent}"] = new
    return found


def unknown(home: Path, known: Set[str]) -> int:
    """How many messages of one mailbox have names that are not ``known``."""
    return len({name for names in _messages(home).values() for name in names} - known)


def everything(restored: Path, store: Path, former: Path) -> dict[str, int]:
    """Put each mailbox below ``restored`` in its place in ``store``, with what is only there; or, where that fails,
    none of them.

    What was there before goes to ``former``, whole. Returns numbers of ``mailboxes``, and of ``messages`` that were
    joined to them.
    """
    begun: list[Path] = []
    joined = 0
    try:
        for place in stores(restored):
            uids.moved_on(restored / place, store / place)
            begun.append(place)
            joined += _put(place, restored, store, former)
    except BaseException:
        for place in reversed(begun):
            _back(place, restored, store, former)
        raise
    for place in (Path(), *(Path(one.name) for one in restored.iterdir() if one.is_dir())):
        for file in (restored / place).iterdir():
            if file.is_file() and not (store / place / file.name).exists():
                os.rename(file, store / place / file.name)
    return {"mailboxes": len(begun), "messages": joined}


def _put(place: Path, restored: Path, store: Path, former: Path) -> int:
    joined = 0
    if (store / place).exists():
        joined = home(store / place, restored / place)
        (former / place).parent.mkdir(parents=True, exist_ok=True)
        state.move(store / place, former / place)
    (store / place).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    state.move(restored / place, store / place)
    if (former / place).exists():
        _done(former / place).touch()
    return joined


def _done(former: Path) -> Path:
    """A file that says that what a mailbox of before held is in the present one."""
    return former.with_name(f".{former.name}.joined")


def _back(place: Path, restored: Path, store: Path, former: Path) -> None:
    """Undo ``_put``, however far it came."""
    if (former / place).exists():
        if (store / place).exists():
            state.move(store / place, restored / place)
        state.move(former / place, store / place)
        _done(former / place).unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # others of the domain are still there
            os.removedirs((former / place).parent)
    elif not (restored / place).exists():
        state.move(store / place, restored / place)


def interrupted(store: Path, former: Path) -> dict[str, int]:
    """Put back what a restore that was killed had moved to ``former``, and had put nothing in its place yet. Where mail
    has come there since, or a half of it was left, it is joined to what only the former one has.

    Returns numbers of ``mailboxes``, and of ``messages`` that were joined.
    """
    there = [place for place in stores(former) if not _done(former / place).exists()]
    joined = 0
    for place in there:
        if (store / place).exists():
            joined += home(former / place, store / place)
            _done(former / place).touch()
        else:
            state.move(former / place, store / place)
    return {"mailboxes": len(there), "messages": joined}


def home(present: Path, restored: Path) -> int:
    """Give ``restored`` what only ``present`` has: messages, and other files. Returns the number of messages."""
    known = {name for names in _messages(restored).values() for name in names}
    number = 0
    for folder, names in _messages(present).items():
        for name, place in names.items():
            if name not in known:
                for part in (*PARTS, "tmp"):
                    (restored / folder / part).mkdir(mode=0o700, parents=True, exist_ok=True)
                _linked(present / folder / place, restored / folder / _LETTERS.sub(r"\1", place))
                number += 1
    for path in sorted((present / "sieve").glob("*.sieve")):
        if not (restored / "sieve" / path.name).exists():
            (restored / "sieve").mkdir(mode=0o700, exist_ok=True)
            _linked(path, restored / "sieve" / path.name)
    return number


def _linked(source: Path, target: Path) -> None:
    """Whole, or not at all."""
    try:
        os.link(source, target)
    except (FileNotFoundError, FileExistsError):
        raise
    except OSError:  # another file system; all the links that it can have
        part = target.with_name(f".posthaus-new-{target.name}")
        shutil.copy2(source, part)
        os.rename(part, target)


def _messages(home: Path) -> dict[str, dict[str, str]]:
    """By folder, by the part of its name that never changes, where each message lies."""
    return {
        folder: {
            unchanging(entry.name): f"{part}/{entry.name}"
            for part in PARTS
            if (home / folder / part).is_dir()
            for entry in os.scandir(home / folder / part)
            if entry.is_file(follow_symlinks=False)
        }
        for folder in folders(home)
    }
