"""Rights to folders of others that people gave (RFC 4314: SETACL, doveadm-acl(1)). Runs as the owner of mail.

Dovecot knows people by their addresses alone. So the rights of who leaves go to the archive, or whoever has the address
next would see what the former person was shown; those of who has another name now go along. A folder is known by its
GUID, wherever it lies by then: one that has the same name alone is somebody else's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from deploys.components.archive.program.dotlock import Lines, changed, read
from deploys.components.archive.program.store import KEPT, place

ACL = "dovecot-acl"  # in each folder; a line: ``user=ADDRESS lr``, or with - in front, what is not allowed
SEEN = "dovecot-acl-list"  # of a mailbox: folders that others may see; Dovecot makes it again
INDEX = "shared-mailboxes"  # below the store: who was let in by whom, as Dovecot looks for it; a 1 in each second line
UIDS = "dovecot-uidlist"
_KEY = "shared/shared-boxes/user/"
_GUID = re.compile(rb"3 (?:\S+ )*?G([0-9a-f]{32})\b")
Pair = tuple[str, str]  # who was let in, and by whom
Right = dict[str, Any]  # ``at``: the folder, below the store; its ``guid`` ("": none yet); the ``rows`` of somebody


def listed(store: Path, *addresses: str) -> dict[str, list[Right]]:
    """By address, what they have; who has nothing is left out."""
    found: dict[str, list[Right]] = {}
    for path in _of_homes(store, ACL):
        rows: dict[str, Lines] = {}
        for row in read(path)[0]:
            rows.setdefault(_whose(row), []).append(row)
        for address in rows.keys() & {*addresses}:
            about = {"at": str(path.parent.relative_to(store)), "guid": _guid(path.parent), "rows": rows[address]}
            found.setdefault(address, []).append(about)
    return found


def of_guests(store: Path, domain: str, entry: str) -> dict[str, list[str]]:
    """By address, the folders of an archived mailbox that its owner let them into."""
    found: dict[str, list[str]] = {}
    for path in _of_home(place(store, domain, entry), ACL):
        for whose in dict.fromkeys(filter(None, map(_whose, read(path)[0]))):
            found.setdefault(whose, []).append(str(path.parent.relative_to(store)))
    return found


def taken(store: Path, *addresses: str) -> None:
    """They have none any more. (A file without a line is not the same as none: it lets nobody in.)"""
    for path in _of_homes(store, ACL):
        changed(path, lambda lines: [row for row in lines if _whose(row) not in addresses])
    _indexed(store, lambda pair: None if pair[0] in addresses else pair)


def given(store: Path, address: str, rights: str) -> list[str]:
    """Give ``address`` these ``rights`` (JSON, as ``listed`` told them) again. What it has there by now stays as it is.
    Returns where the folders lay that are gone."""
    gone, owners = [], set()
    found: dict[str, Path] = {}
    for right in json.loads(rights):
        folder, guid = store / right["at"], right["guid"]
        if guid and _guid(folder) != guid:
            found = found or {_guid(path.parent): path.parent for path in _of_homes(store, UIDS)}
            folder = found.get(guid, store)
        if not guid or folder == store:
            gone.append(right["at"])
            continue
        changed(folder / ACL, partial(_with, address, right["rows"]))
        home = folder.parent if folder.name == "Maildir" else folder.parent.parent
        (home / "Maildir" / SEEN).unlink(missing_ok=True)
        owners.add(f"{home.name}@{home.parent.name}")
    _indexed(store, lambda pair: pair, [(address, owner) for owner in sorted(owners)])
    return gone


def renamed(store: Path, names: str) -> None:
    """Rights of people, by their former ``names`` (JSON), are those of their present ones; and who was let in by them
    finds their folders. What the new name has been given already stays as it is."""
    now: Mapping[str, str] = json.loads(names)
    for path in _of_homes(store, ACL):
        changed(path, partial(_renamed, now))
    _indexed(store, lambda pair: (now.get(pair[0], pair[0]), now.get(pair[1], pair[1])))


def _renamed(now: Mapping[str, str], lines: Lines) -> Lines:
    there = {_whose(row) for row in lines}
    known = ((row, _whose(row)) for row in lines)
    return [
        row.replace(f"user={old}", f"user={now[old]}", 1) if old in now else row
        for row, old in known
        if now.get(old) not in there
    ]


def _with(address: str, rows: Lines, lines: Lines) -> Lines:
    return lines if any(_whose(row) == address for row in lines) else [*lines, *rows]


def _whose(row: str) -> str:
    """The address that a row is about; "" where it is about a group or the like."""
    kind, _, whose = row.partition(" ")[0].strip('"').removeprefix("-").partition("=")
    return whose if kind == "user" else ""


def _of_homes(store: Path, name: str) -> Iterator[Path]:
    """Files of this name in all folders of all mailboxes, those in the archive too. A link is another name of one."""
    for top in (store, store / KEPT):
        for home in sorted(top.glob("[!.]*/*")):
            if home.is_dir() and not home.is_symlink():
                yield from _of_home(home, name)


def _of_home(home: Path, name: str) -> Iterator[Path]:
    yield from home.glob(f"Maildir/{name}")
    yield from sorted(home.glob(f"Maildir/.*/{name}"))


def _guid(folder: Path) -> str:
    try:
        with open(folder / UIDS, "rb") as file:
            found = _GUID.match(file.readline(1024))
    except OSError:
        return ""
    return found[1].decode() if found else ""


def _indexed(store: Path, what: Callable[[Pair], Pair | None], more: list[Pair] | None = None) -> None:
    """Each pair is what ``what`` says from now on, or, where that is None, nothing; and there are ``more``."""

    def rows(lines: Lines) -> Lines:
        entries: dict[str, str] = {}
        for key, value in zip(lines[::2], lines[1::2], strict=False):
            whom, _, by = key.removeprefix(_KEY).partition("/")
            now = what((whom, by)) if key.startswith(_KEY) else ()
            if now is not None:
                entries[_KEY + "/".join(now) if now else key] = value
        entries |= {_KEY + "/".join(pair): "1" for pair in more or ()}
        return [line for entry in entries.items() for line in entry]

    changed(store / INDEX, rows)
