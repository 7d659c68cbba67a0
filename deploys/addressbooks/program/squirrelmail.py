"""SquirrelMail's address books, under the lock that it takes itself. Lines are added; none that is there is touched."""

from __future__ import annotations

import csv
import fcntl
import os
import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from deploys.addressbooks.program.rows import Contact, Failed, Told, key, lacking

USER = "www-data"
SECONDS = 30.0  # how long to wait for whoever edits
LONGEST = 2047  # bytes that SquirrelMail reads of a line ($abook_file_line_length)
# AddressBook::add in functions/addressbook.php; and what would end a recipient, where a nickname stands for one
_NOT_IN_NICKNAMES = re.compile(r'[\s:|#"!,;<>()]+')


def add(place: Path, address: str, contacts: Iterable[Contact]) -> Told:
    """Add to the address book of ``address`` in the data directory ``place`` what it lacks. Failed, OSError: nothing
    was added."""
    told = Told()
    with _locked(place / f"{address}.abook") as handle:
        there = _content(handle)
        rows = [row for row in _rows(there) if row]
        known = {key(" ".join(row[1:3]), row[3] if len(row) > 3 else "") for row in rows}
        taken = {row[0].casefold() for row in rows}
        new = "".join(_lines(contacts, known, taken, told))
        if new:
            _append(handle, ("" if not there or there.endswith(b"\n") else "\n") + new)
    return told


def settle(place: Path, books: Sequence[Mapping[str, Any]]) -> None:
    """Look again whether all is there still, and add it again until it is: SquirrelMail gives up its lock before it
    writes a changed address book back, and what was added in between is gone then."""
    for _ in range(5):
        time.sleep(1)
        if not sum(add(place, one["address"], one["contacts"]).added for one in books):
            return


def _lines(contacts: Iterable[Contact], known: set[tuple[str, str]], taken: set[str], told: Told) -> Iterator[str]:
    for one in contacts:
        if not one["emails"]:
            told.left.append(f"{one['name']}: has no e-mail address, without which SquirrelMail keeps nobody")
            continue
        first, last = map(_harmless, (one["first"], one["last"]))
        new = lacking(f"{first} {last}", [_harmless(email) for email, _ in one["emails"]], known)
        told.there += not new
        added = False
        for email in new:
            nickname = _nickname(one["nickname"] or one["name"] or email.partition("@")[0], taken)
            line = _line([nickname, first, last, email], _harmless(one["label"]))
            if len(line.encode()) > LONGEST:
                told.left.append(f"{one['name'][:60]}: is longer than SquirrelMail reads")
                continue
            taken.add(nickname.casefold())
            added = True
            yield line
        told.added += added


def _line(fields: list[str], label: str) -> str:
    """As SquirrelMail writes it; of a label only what fits a line."""
    head = "|".join(map(_quoted, fields)) + "|"
    room = LONGEST - len(head.encode()) - 1
    label = label[:LONGEST]
    while label and len(_quoted(label).encode()) > room:
        label = label[:-8]
    return f"{head}{_quoted(label)}\n"


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if '"' in text or "|" in text else text


def _harmless(text: str) -> str:
    """Between quotes PHP's fgetcsv takes a backslash for an escape, which it is not where SquirrelMail writes."""
    return text.replace("\\", "/") if '"' in text or "|" in text else text


def _nickname(text: str, taken: set[str]) -> str:
    """One that SquirrelMail allows, and that no other contact has."""
    base = _NOT_IN_NICKNAMES.sub("_", text.strip()).strip("_")[:80] or "contact"
    names = (base, *(f"{base}-{number}" for number in range(2, len(taken) + 3)))
    return next(one for one in names if one.casefold() not in taken)


def _rows(content: bytes) -> Iterator[list[str]]:
    for line in content.decode("utf-8", "replace").replace("\0", "").split("\n"):
        try:
            yield from csv.reader([line.rstrip("\r")], delimiter="|")
        except csv.Error:  # of an absurd length
            continue


@contextmanager
def _locked(path: Path) -> Iterator[int]:
    """The file, made where it is not, that nobody else writes meanwhile."""
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    handle = os.open(path, flags, 0o600)
    try:
        ends = time.monotonic() + SECONDS
        while not _lock(handle) or _is_rewritten(path):
            fcntl.flock(handle, fcntl.LOCK_UN)
            if time.monotonic() > ends:
                raise Failed("somebody has been changing the address book all the while; run this again")
            time.sleep(0.1)
        yield handle
    finally:
        os.close(handle)


def _lock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_rewritten(path: Path) -> bool:
    """Whether SquirrelMail is about to copy a new one over it. One that is older was left behind."""
    try:
        return time.time() - path.with_name(f"{path.name}.tmp").stat().st_mtime < SECONDS / 2
    except FileNotFoundError:
        return False


def _content(handle: int) -> bytes:
    with open(handle, "rb", closefd=False) as file:
        file.seek(0)
        return file.read()


def _append(handle: int, text: str) -> None:
    """All of it, or none."""
    size = os.fstat(handle).st_size
    data = text.encode()
    try:
        while data:
            data = data[os.write(handle, data) :]
        os.fsync(handle)
    except OSError:
        os.ftruncate(handle, size)
        raise
