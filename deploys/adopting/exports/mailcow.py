"""mailcow: its tables as ``mariadb --batch`` prints them (TABLE.tsv), and its DKIM keys (dkim/DOMAIN.SELECTOR.pem)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from deploys.adopting import postfixadmin
from deploys.adopting.description import Found, FoundKey, FoundMailbox
from deploys.adopting.exports import places
from deploys.adopting.postfixadmin import Row, size, text, yes
from deploys.adopting.routes import canonical, split

TABLES = ("mailbox", "alias", "domain", "alias_domain")
_SOURCE = "mailcow"
_INSTEAD = {
    "null@localhost": "throws its mail away",
    "spam@localhost": "learns its mail as spam",
    "ham@localhost": "learns its mail as wanted",
}
_ESCAPES = {"n": "\n", "t": "\t", "0": "\0", "\\": "\\"}


def read(directory: Path, messages: str = "") -> Found:
    """What the tables say. ``messages``: where copies of the messages lie that can be read: mailcow's own are encrypted
    and packed. NotAnExportError where a table is missing."""
    places.need(directory, *(f"{table}.tsv" for table in TABLES))
    tables = {table: rows(directory / f"{table}.tsv") for table in TABLES}
    notes: list[str] = []
    people = [row for row in tables["mailbox"] if not text(row, "kind")]
    if resources := [text(row, "username") for row in tables["mailbox"] if text(row, "kind")]:
        notes.append(f"rooms and things of SOGo's calendar are left out: {', '.join(resources)}")
    notes += [
        f"{text(row, 'username')} logged in by {text(row, 'authsource')}, so it has no password here"
        for row in people
        if text(row, "authsource") not in ("", "mailcow")
    ]
    wanted: Mapping[str, Sequence[Row]] = {
        **tables,
        "mailbox": people,
        "alias": [row for row in tables["alias"] if not _elsewhere(row, notes)],
    }
    found = postfixadmin.description(wanted, _SOURCE, lambda row: _mailbox(row, messages))
    paused = [text(row, "username").lower() for row in people if text(row, "active") == "2"]
    boxes = tuple(replace(one, active=one.active and one.address not in paused) for one in found.mailboxes)
    keys = tuple(_keys(directory / "dkim"))
    return replace(found, mailboxes=boxes, keys=keys, not_understood=(*notes, *found.not_understood))


def rows(path: Path) -> list[Row]:
    """The rows of what ``mariadb --batch`` printed: tabs between cells, the names of columns first. NULL is ""."""
    lines = path.read_text(encoding="utf-8").split("\n")
    names = lines[0].split("\t")
    return [dict(zip(names, map(_cell, line.split("\t")), strict=False)) for line in lines[1:] if line]


def _cell(written: str) -> str:
    if written == "NULL":
        return ""
    return re.sub(r"\\(.)", lambda match: _ESCAPES.get(match[1], match[1]), written)


def _mailbox(row: Row, messages: str) -> FoundMailbox:
    ours = text(row, "authsource") in ("", "mailcow")
    address = canonical(text(row, "username"))
    return FoundMailbox(
        address=address,
        password=(text(row, "password") or None) if ours else None,
        quota=size(row),
        messages=places.maildir(messages, address),
        name=text(row, "name"),
        active=yes(row, "active"),
    )


def _elsewhere(row: Row, notes: list[str]) -> bool:
    """Whether an alias leads to what no option does."""
    address = text(row, "address")
    targets = split(text(row, "goto"))
    if instead := [what for target, what in _INSTEAD.items() if target in targets]:
        notes.append(f"{_SOURCE}: {address} {instead[0]}; there is no option for it")
    if text(row, "internal") == "1":
        notes.append(
            f"{_SOURCE}: {address} took mail from people here alone, and an alias takes everybody's; it led to"
            f" {', '.join(targets)}"
        )
    return bool(instead) or text(row, "internal") == "1"


def _keys(directory: Path) -> Iterator[FoundKey]:
    for path in sorted(directory.glob("*.pem")):
        domain, _, selector = path.stem.rpartition(".")
        if domain:
            yield places.key(domain, selector, path)
