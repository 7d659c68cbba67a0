"""What was taken from another server already: so nothing comes twice, though people move and delete it here."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

INBOX = "INBOX"  # no login and server, which have a space between them


@dataclass
class Taken:
    """Of one folder there: the UIDs that are here, under ``validity``. ``unsure``: a run ended within it, so that some
    more may be here."""

    validity: int = 0
    uids: set[int] = field(default_factory=set)
    unsure: bool = False


class Ledger:
    """Of one mailbox and one login elsewhere; written down at each step. ``inbox``: UIDVALIDITY of the INBOX here, by
    which a mailbox is known; ``former``: what is written down was of another one, which had this address before."""

    def __init__(self, path: Path, source: str) -> None:
        self.path, self.source, self.former = path, source, False
        try:
            self.known: dict[str, Any] = json.loads(path.read_text("utf-8"))
        except FileNotFoundError:
            self.known = {}
        told = self.known.get(source, {})
        self.inbox = int(self.known.get(INBOX, 0))
        self.folders = {name: Taken(one["validity"], numbers(one["uids"]), one["unsure"]) for name, one in told.items()}

    def of_inbox(self, validity: int) -> None:
        """See whose it is: one who left, and whose address somebody else has now, left it behind."""
        self.former = bool(self.inbox and self.inbox != validity)
        if self.former:
            self.known, self.folders = {}, {}
        self.inbox = validity

    def keep(self) -> None:
        """Whole or not at all."""
        self.known[INBOX] = self.inbox
        self.known[self.source] = {
            name: {"validity": one.validity, "uids": ranges(one.uids), "unsure": one.unsure}
            for name, one in self.folders.items()
        }
        new = self.path.with_name(f"{self.path.name}.new")
        with new.open("w", encoding="utf-8") as file:
            json.dump(self.known, file)
            file.flush()
            os.fsync(file.fileno())
        new.replace(self.path)


def ranges(uids: Iterable[int]) -> str:
    """A set as IMAP writes one: ``1:20,25``."""
    parts: list[list[int]] = []
    for uid in sorted(uids):
        if parts and parts[-1][1] == uid - 1:
            parts[-1][1] = uid
        else:
            parts.append([uid, uid])
    return ",".join(str(first) if first == last else f"{first}:{last}" for first, last in parts)


def numbers(text: str) -> set[int]:
    """The reverse of ``ranges``."""
    found: set[int] = set()
    for part in filter(None, text.split(",")):
        first, _, last = part.partition(":")
        found |= set(range(int(first), int(last or first) + 1))
    return found
