"""Mailboxes as they are at one moment, as hard links beside the store: messages take no room, and nobody waits.

Runs as the owner of mail. A message is a file that never changes, but for its name, which holds its flags; so a link
to it is a copy of it. Whoever only walks through a Maildir while people work misses what is renamed or moved at that
moment (readdir(3)); so each mailbox is walked through until nothing new turns up, and all are once more at the end.
Dovecot's lists (which message has which UID, what a keyword's letter means) are copied after the messages they are
about: what they name and we have not is gone, what we have they name.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

LEAST, MOST = 2, 20  # walks through one mailbox
PARTS = ("new", "cur")  # in this order: what is seen for the first time moves from the one to the other
# What Dovecot makes again, and what is only just being written. People may give folders such names: theirs begin with .
FILES_LEFT_OUT = re.compile(
    r"dovecot\.(index|list\.index|mailbox\.log|map).*|maildirsize|.*\.lock|.*\.svbin|dovecot-acl-list|\.temp\..*"
)
LEFT_OUT = {"tmp", "fts-flatcurve", "xapian-indexes"}
COMPILED = ".sieve-compiled"  # in the home itself
LISTS = ("dovecot-uidlist", "dovecot-keywords")  # Dovecot appends whole lines
SHOWN = 5  # paths that are told
DEEPEST = 3000  # bytes of a path: Linux takes 4095
ARCHIVED = Path(".archive")  # below the store: mailboxes that are no longer declared, by domain


@dataclass
class Taken:
    """One mailbox so far: by folder, by the part of a message's name that never changes, where its link lies."""

    links: dict[str, dict[str, str]] = field(default_factory=dict)
    copied: int = 0  # messages that could not be linked
    unread: dict[str, None] = field(default_factory=dict)  # paths that the owner of mail may not read

    @property
    def messages(self) -> int:
        """How many."""
        return sum(map(len, self.links.values()))


def stores(store: Path, taken: Taken | None = None) -> Iterator[Path]:
    """The homes of all mailboxes, relative to ``store``; those in the archive come last. A link is another name of one
    of them."""
    for top in (Path(), ARCHIVED):
        for domain in sorted(_directories(store / top, taken=taken)):
            for local in sorted(_directories(store / top / domain, taken=taken)):
                yield top / domain / local


def everything(store: Path, target: Path) -> dict[str, Any]:
    """Stage all mailboxes of ``store`` below ``target``, a new directory.

    Returns the numbers of ``mailboxes``, of ``messages``, of those among them that had to be ``copied``, and of files
    and directories that are ``unreadable``; ``unread`` are some of these. ``counts``: messages by mailbox.
    """
    target.mkdir(mode=0o700)
    taken: dict[Path, Taken] = {}
    beside = Taken()
    for _ in range(2):  # what moved from one mailbox to another meanwhile is found by the second walk
        for place in stores(store, beside):
            mailbox(store / place, target / place, taken.setdefault(place, Taken()))
    for place in (Path(), *map(Path, _directories(store))):
        if (target / place).is_dir():
            _files(store / place, target / place, beside)
    unread = [path for one in (*taken.values(), beside) for path in one.unread]
    return {
        "mailboxes": len(taken),
        "messages": sum(one.messages for one in taken.values()),
        "copied": sum(one.copied for one in taken.values()),
        "unreadable": len(unread),
        "unread": unread[:SHOWN],
        "counts": {str(place): one.messages for place, one in taken.items()},
    }


def mailbox(home: Path, target: Path, taken: Taken, only: Set[str] = frozenset()) -> None:
    """Stage what lies in ``home``: messages first, all else after them. ``only``: nothing but what is called so there,
    which may be a link to what is one's own, too."""
    if only and (others := [name for name in sorted(only) if _anothers(home / name)]):
        taken.unread |= {str(home / name): None for name in others}
        only = only - {*others}
    if only and "Maildir" not in only:
        return
    for walk in range(1, MOST + 1):
        moved = sum(_messages(home, folder, target, taken) for folder in folders(home))
        if not moved and walk >= LEAST:
            break
    if not only:
        _rest(home, target, taken, LEFT_OUT | {COMPILED})
        return
    _files(home, target, taken, only)
    for name in sorted(only):
        if (home / name).is_dir():
            _rest(home / name, target / name, taken)


def _anothers(path: Path) -> bool:
    try:
        return path.is_dir() and path.stat().st_uid != os.geteuid()
    except OSError:  # one that they may not even look at
        return True


def folders(home: Path) -> list[str]:
    """The folders of a Maildir++, as paths below ``home``: ``Maildir`` and ``Maildir/.NAME``."""
    inside = [f"Maildir/{name}" for name in _directories(home / "Maildir", dots=True) if name.startswith(".")]
    return [one for one in ("Maildir", *sorted(inside)) if os.path.isdir(home / one / "cur")]


def unchanging(name: str) -> str:
    """The part of a message's file name that flags do not change (maildir(5))."""
    return name.partition(":")[0]


def _messages(home: Path, folder: str, target: Path, taken: Taken) -> int:
    """How much turned up that was not there before, or went away while it was looked at."""
    links, moved = taken.links.setdefault(folder, {}), 0
    for part in PARTS:
        (target / folder / part).mkdir(mode=0o700, parents=True, exist_ok=True)
        if (home / folder / part).is_symlink():  # to whatever it may be
            taken.unread[str(home / folder / part)] = None
            continue
        for name in _names(home / folder / part, taken):
            place, known = f"{part}/{name}", links.get(unchanging(name))
            if known == place:
                continue
            if known:
                os.rename(target / folder / known, target / folder / place)
            else:
                moved += 1
                try:
                    taken.copied += linked(home / folder / place, target / folder / place)
                except FileNotFoundError:  # renamed or deleted since it was listed: the next walk knows
                    continue
                except PermissionError:
                    taken.unread[str(home / folder / place)] = None
                    moved -= 1
                    continue
            links[unchanging(name)] = place
    return moved


def linked(source: Path, target: Path) -> int:
    """Give a file that never changes another name. Returns 1 where it had to be copied: on another file system, or of a
    file that has all the links it can have."""
    try:
        os.link(source, target, follow_symlinks=False)
    except FileNotFoundError:
        raise
    except OSError:
        shutil.copy2(source, target, follow_symlinks=False)
        return 1
    return 0


def _rest(source: Path, target: Path, taken: Taken, but: Set[str] = frozenset(LEFT_OUT)) -> None:
    """Everything but messages: copies, for these files change in place."""
    if len(os.fsencode(target)) > DEEPEST:  # restic would stop at what no path leads to
        taken.unread[str(source)] = None
        return
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    _files(source, target, taken)
    for name in _directories(source, dots=True, taken=taken):
        if name not in but and name not in PARTS:
            _rest(source / name, target / name, taken)


def _files(source: Path, target: Path, taken: Taken, only: Set[str] = frozenset()) -> None:
    for entry in _entries(source, taken):
        if FILES_LEFT_OUT.fullmatch(entry.name) or entry.is_dir(follow_symlinks=bool(only)):
            continue
        if only and entry.name not in only:
            continue
        place = target / entry.name
        try:
            if entry.is_symlink():
                if place.is_dir() and not place.is_symlink():  # a part of a folder, which is a link
                    continue
                place.unlink(missing_ok=True)
                place.symlink_to(os.readlink(entry.path))
            elif entry.is_file():
                _copied(Path(entry.path), place)
        except FileNotFoundError:
            continue
        except PermissionError:
            taken.unread[entry.path] = None


def _copied(source: Path, target: Path) -> None:
    new = target.with_name(f".posthaus-new-{target.name}")
    if source.name in LISTS:
        content = source.read_bytes()
        new.write_bytes(content[: content.rfind(b"\n") + 1])
        shutil.copystat(source, new)
    else:
        shutil.copy2(source, new, follow_symlinks=False)
    new.replace(target)


def _names(directory: Path, taken: Taken) -> list[str]:
    return [entry.name for entry in _entries(directory, taken) if entry.is_file(follow_symlinks=False)]


def _directories(directory: Path, dots: bool = False, taken: Taken | None = None) -> list[str]:
    found = [entry.name for entry in _entries(directory, taken) if entry.is_dir(follow_symlinks=False)]
    return [name for name in found if dots or not name.startswith(".")]


def _entries(directory: Path, taken: Taken | None) -> list[os.DirEntry[str]]:
    try:
        return list(os.scandir(directory))
    except FileNotFoundError:  # a folder that somebody deletes
        return []
    except PermissionError:
        if taken:
            taken.unread[str(directory)] = None
        return []
