"""One mailbox taken over from another server: what is there and not here is added; nothing is changed or deleted."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deploys.migrating.program import folders, login
from deploys.migrating.program.dovecot import Dovecot, Full
from deploys.migrating.program.folders import Pair
from deploys.migrating.program.imap import Failed, Messages, Server
from deploys.migrating.program.ledger import Ledger, Taken

BATCH, BATCH_BYTES = 200, 50 << 20  # what a broken connection costs at most
NAMELESS = "no folder here can have this name; rename it there, without / * % ? and a - in front"
WILD = set("*%?")  # in a query of doveadm's these stand for other names, too


@dataclass
class Row:
    """A folder's counts at the end: messages ``there``, ``here`` of those, ``missing``; ``since``: came there after
    this run had begun; ``new``: what it added. ``why``: what kept it from being complete."""

    old: str
    here_as: str
    there: int = 0
    here: int = 0
    missing: int = 0
    since: int = 0
    new: int = 0
    why: str = ""


@dataclass
class Mailbox:
    """``about``: address, mailbox (its login here), server, port, login, password, ca. ``tell``: one line on how far
    it is. ``rows`` is what became of each folder."""

    about: Mapping[str, Any]
    place: Path
    series: str
    ledger: Ledger
    tell: Callable[[str], None]
    rows: list[Row] = field(default_factory=list)
    mine: Server = field(init=False)
    dovecot: Dovecot = field(init=False)

    def take_over(self) -> None:
        """Failed says why none or not all of it is here."""
        with self._old() as old:
            found = old.folders()
            pairs, odd = folders.pairs(found)
            odd += [pair.old for pair in pairs if WILD & set(pair.seen) or pair.seen.startswith("-")]
            pairs = [pair for pair in pairs if pair.old not in odd]
            there, shut = _opened(old, pairs)
            pairs = [pair for pair in pairs if pair.old in there]
            subscribed = old.subscribed()
        self.rows = [Row(pair.old, pair.here) for pair in pairs]
        self.rows += [Row(name, "", why=f"the server does not open it: {why}") for name, why in shut.items()]
        self.rows += [Row(name, "", why=NAMELESS) for name in odd]
        self.dovecot = Dovecot(self.place, self.series, self.about, self.about["mailbox"], folders.prefix(found))
        self.mine = login.here(self.about["mailbox"])
        try:
            self._from(pairs, there, subscribed)
        finally:
            self.mine.close()

    def _from(self, pairs: list[Pair], there: Mapping[str, Messages], subscribed: set[str]) -> None:
        self.ledger.of_inbox(self.mine.messages("INBOX").validity)
        vanished = any(
            one.uids - there[name].uids for name, one in self.ledger.folders.items() if name in there
        )  # fmt: skip
        missing = {pair.old: self._missing(pair, there[pair.old], pairs, vanished) for pair in pairs}
        self._room(there, missing)
        try:
            for pair, row in zip(pairs, self.rows, strict=False):
                self._folder(pair, row, there[pair.old], missing[pair.old], pair.old in subscribed)
        finally:
            self._count(pairs, there)

    def _missing(self, pair: Pair, there: Messages, pairs: list[Pair], vanished: bool) -> set[int]:
        """What of a folder has to come. Where it cannot be known by UIDs, messages that are here are recognized: in the
        folder itself where a run ended within it, in all of them where the old server numbers its messages anew, and
        where messages ``vanished`` there that had come: they may have been moved."""
        taken = self.ledger.folders.get(pair.old)
        anew = self.ledger.former or (taken is not None and taken.validity != there.validity)
        if taken is None or anew:
            taken = Taken(there.validity, unsure=not anew)
        if there.uids - taken.uids and (taken.unsure or anew or vanished):
            everywhere = [one.name for one in self.mine.folders()] if anew or vanished else [pair.here]
            taken.uids |= self._recognized(pair, there.uids - taken.uids, everywhere)
        if pair.rest:
            taken.uids |= self._elsewhere(pair, there.uids - taken.uids, pairs)
        self.ledger.folders[pair.old] = taken
        return set(there.uids - taken.uids)

    def _recognized(self, pair: Pair, uids: set[int] | frozenset[int], names: list[str]) -> set[int]:
        """Those of ``uids`` there that lie in folders ``names`` here."""
        same = self.mine.identities(pair.here)
        if not same and names == [pair.here]:
            return set()
        known = {one for name in names for one in self.mine.identities(name).values() if not one.startswith("?")}
        with self._old() as old:
            told = old.identities(pair.old, uids)
        return {uid for uid, one in told.items() if one in known or same.get(uid) == one}

    def _elsewhere(self, pair: Pair, uids: set[int] | frozenset[int], pairs: list[Pair]) -> set[int]:
        """Those of ``uids`` that lie in another folder there, from where they come."""
        if not uids:
            return set()
        with self._old() as old:
            others = {
                one for other in pairs if other.old != pair.old for one in old.identities(other.old).values()
            }  # fmt: skip
            return {uid for uid, one in old.identities(pair.old, uids).items() if one in others and one[0] != "?"}

    def _room(self, there: Mapping[str, Messages], missing: Mapping[str, set[int]]) -> None:
        """Full where the quota leaves too little: a mailbox that was filled to its brim would refuse new messages."""
        room = self.mine.room()
        needed = sum(there[name].sizes.get(uid, 0) for name, uids in missing.items() for uid in uids)
        if room is not None and needed > room:
            raise Full(
                f"needs {megabytes(needed)}, and the quota leaves {megabytes(room)}; nothing was taken. Give"
                f" mailboxes.{self.about['address']} a larger quota in mail.yaml, converge, and run this again"
            )

    def _folder(self, pair: Pair, row: Row, there: Messages, missing: set[int], subscribed: bool) -> None:
        taken = self.ledger.folders[pair.old]
        try:
            live = self.mine.messages(pair.here)
            if not live.validity:
                self.mine.create(pair.here)
                if subscribed:
                    self.mine.subscribe(pair.here)
            taken.unsure = True
            self.ledger.keep()
            before, total = len(taken.uids), len(there.uids)
            if missing and not taken.uids and pair.seen == pair.here and live.following == 1:
                self._sync(pair, total)
            self._copied(pair, row, there, missing, total)
            taken.unsure = False
            row.new = len(taken.uids) - before
        except Full as why:
            row.why = f"the mailbox is full: {why}"
            raise
        except Failed as why:
            row.why = str(why)
        finally:
            self.ledger.keep()

    def _sync(self, pair: Pair, total: int) -> None:
        """The folder is empty. What dsync brought is believed where it is found here: also what came there since its
        messages were listed, which would come twice otherwise."""
        self.dovecot.sync(pair.seen, lambda: self.tell(f"{pair.old}: {self.mine.number(pair.here):,} of {total:,}"))
        with self._old() as old:
            now = old.messages(pair.old)
        taken = self.ledger.folders[pair.old]
        taken.uids |= self._recognized(pair, now.uids - taken.uids, [pair.here])
        self.ledger.inbox = self.mine.messages("INBOX").validity  # dsync has given it the old one's

    def _copied(self, pair: Pair, row: Row, there: Messages, missing: set[int], total: int) -> None:
        taken = self.ledger.folders[pair.old]
        for batch in batches(missing - taken.uids, there.sizes):
            following = self.mine.messages(pair.here).following
            try:
                self.dovecot.copy(pair.seen, pair.here, batch)
            except Full:
                raise
            except Failed:
                time.sleep(1)  # once more, for what can be had
                taken.uids |= self._recognized(pair, batch, [pair.here])
                self._one_by_one(pair, row, batch - taken.uids)
                self.ledger.keep()
                continue
            arrived = len(self.mine.newer(pair.here, following)) >= len(batch)
            taken.uids |= batch if arrived else self._recognized(pair, batch, [pair.here])
            self.ledger.keep()
            self.tell(f"{pair.old}: {len(taken.uids & there.uids):,} of {total:,}")

    def _one_by_one(self, pair: Pair, row: Row, uids: set[int]) -> None:
        """Past a message that the old server cannot give; three in a row, and it is the server."""
        failed = 0
        for uid in sorted(uids):
            try:
                self.dovecot.copy(pair.seen, pair.here, {uid})
                self.ledger.folders[pair.old].uids.add(uid)
                failed = 0
            except Full:
                raise
            except Failed as why:
                row.why = f"message with UID {uid}: {why}"
                failed += 1
                if failed == 3:
                    raise

    def _count(self, pairs: list[Pair], began: Mapping[str, Messages]) -> None:
        """What is there now, and here."""
        with self._old() as old:
            for pair, row in zip(pairs, self.rows, strict=False):
                now, taken = old.messages(pair.old), self.ledger.folders[pair.old]
                if not now.validity:
                    row.why = row.why or f"the server does not open it any more: {old.refused}"
                    continue
                lacking = now.uids - taken.uids
                row.there, row.here = len(now.uids), len(now.uids) - len(lacking)
                row.since = len([uid for uid in lacking if uid >= began[pair.old].following])
                row.missing = len(lacking) - row.since

    @contextmanager
    def _old(self) -> Iterator[Server]:
        """A connection of its own each time: between two uses hours may pass."""
        server = login.elsewhere(self.about)
        try:
            yield server
        finally:
            server.close()


def _opened(old: Server, pairs: list[Pair]) -> tuple[dict[str, Messages], dict[str, str]]:
    """What lies in each folder there; and why the others cannot be opened, which are as good as missing."""
    there: dict[str, Messages] = {}
    shut: dict[str, str] = {}
    for pair in pairs:
        found = old.messages(pair.old, sizes=True)
        if found.validity:
            there[pair.old] = found
        else:
            shut[pair.old] = old.refused or "it tells no UIDVALIDITY"
    return there, shut


def batches(uids: set[int], sizes: Mapping[int, int]) -> Iterator[set[int]]:
    """``uids`` in their order, in parts that one transaction holds."""
    part: set[int] = set()
    weight = 0
    for uid in sorted(uids):
        size = sizes.get(uid, 0)
        if part and (len(part) == BATCH or weight + size > BATCH_BYTES):
            yield part
            part, weight = set(), 0
        part.add(uid)
        weight += size
    if part:
        yield part


def megabytes(number: int) -> str:
    return f"{number / (1 << 20):,.1f} MB"
