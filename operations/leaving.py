"""Mailboxes that nobody declares any more go to the archive, with all that was the person's."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta

from pyinfra import host

from facts.leaving import Leaving, LeavingOnHost
from facts.mailboxes import STORE
from facts.stores import Stores, StoresOnHost, digest
from facts.survey import Question, question
from operations.script import script
from operations.survey import ask, looks
from operations.telling import say, tell

LIST = "deploys/archive.py"


def of_leaving(declared: Mapping[str, str], keeps: int | None) -> Question[LeavingOnHost]:
    """What has to be known of those who go."""
    return question(Leaving, declared=digest(declared), keeps=keeps or 0)


def _asked(
    declared: Mapping[str, str], keeps: int | None = None, **_: object
) -> tuple[Question[StoresOnHost], Question[LeavingOnHost]]:
    return question(Stores, declared=digest(declared)), of_leaving(declared, keeps)


@looks(_asked)
def archived(  # type: ignore[no-untyped-def]
    declared: Mapping[str, str],
    former: Collection[str],
    program: str,
    table: str,
    keeps: int | None = None,
    links: bool = False,
):
    """
    Have mailboxes that are no longer declared archived: noted while Dovecot has them, moved once it has not.

    + declared: address: login
    + former: addresses whose mail others have taken over
    + program: the directory of the host's own program
    + table: Dovecot's list of mailboxes
    + keeps: for how many seconds they lie in the archive; None: for ever
    + links: what is on its way to them shall still find them there

    Call it before Dovecot's list changes, once it serves the new one (with ``links``), and at the end of the run.
    Whatever a run that died has left undone, the next one does.
    """
    of_stores, of_those = _asked(declared, keeps)
    stores, found = ask(of_stores), ask(of_those)
    say(told(stores, found, declared, former, keeps))
    wanted = decided(stores, found, declared, former, links)
    if not wanted:
        host.noop("no mailbox is on its way to the archive")
        return
    tell("archive", table, *(address for _, address in wanted))
    yield script("leaving.sh", program, stdin="".join(f"{word} {address}\n" for word, address in wanted))


def decided(
    stores: StoresOnHost,
    found: LeavingOnHost,
    declared: Collection[str],
    former: Collection[str],
    links: bool = False,
) -> list[tuple[str, str]]:
    """What the program shall do, a word and an address each (program/keeping.py says what the words mean)."""
    listed = set(stores.listed or declared)  # where nothing is listed, the declared ones are
    words = []
    for address in found.noted:
        if address in former or (address in listed and address in declared):
            words.append(("keep", address))
        elif address not in listed:
            words.append(("take" if links else "end", address))
    if stores.listed:  # before Dovecot knows them
        words += [("come", address) for address in namesakes(stores, found, declared)]
    return [*words, *(("note", address) for address in going(stores, found, declared, former))]


def namesakes(stores: StoresOnHost, found: LeavingOnHost, declared: Collection[str]) -> dict[str, str]:
    """Who gets an address that somebody had who lies in the archive, and the last day when one came there."""
    days = {address: day for address, day in found.archived if address in declared and stores.listed}
    return {address: days[address] for address in sorted(days) if address not in stores.listed}


def going(stores: StoresOnHost, found: LeavingOnHost, declared: Collection[str], former: Collection[str]) -> list[str]:
    """Those that Dovecot has now and will not have after this run. A list that somebody else wrote takes nobody away:
    whoever forgets a person when a host is taken over finds the mail where it was."""
    if not found.ours:
        return []
    return sorted({*stores.listed} - {*declared} - {*former} - {*found.noted})


def told(
    stores: StoresOnHost,
    found: LeavingOnHost,
    declared: Collection[str],
    former: Collection[str],
    keeps: int | None,
) -> list[list[str]]:
    """Sentences for those who go, for those who come where somebody has been, and for what is past its time."""
    goes = [
        f"{address} goes to the archive ({STORE}/.archive), {until(keeps)}: messages, passwords and what the webmail"
        f" keeps; {LIST} brings it back"
        for address in going(stores, found, declared, former)
    ]
    comes = [
        f"{address} begins empty: what was there until {day} lies in the archive; if it is the same person's:"
        f" pyinfra inventory.py {LIST} --data back={address}"
        for address, day in namesakes(stores, found, declared).items()
    ]
    due = [
        f"{address}, in the archive since {day}, is past its time and is deleted with the next night"
        for address, day in found.due
    ]
    return [goes, comes, due]


def until(keeps: int | None, now: datetime | None = None) -> str:
    """``until 2026-12-27``, or ``for ever``; from now on."""
    return f"until {(now or datetime.now(UTC)) + timedelta(seconds=keeps):%Y-%m-%d}" if keeps else "for ever"
