"""Mailboxes that come and go: sessions are closed, and the run says of what lies there without one."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from pyinfra import host

from facts.leaving import Leaving, LeavingOnHost
from facts.mailboxes import Session, Sessions
from facts.stores import Stores, StoresOnHost, digest
from facts.survey import Question, question
from operations.script import script
from operations.survey import ask, looks
from operations.telling import say


def _of_stores(
    declared: Mapping[str, str], system: bool, keeps: int | None = None, **_: object
) -> tuple[Question[StoresOnHost], Question[LeavingOnHost]]:
    known = "" if system else digest(declared)
    return question(Stores, declared=known), question(Leaving, declared=known, keeps=keeps or 0)


@looks(_of_stores)
def named(  # type: ignore[no-untyped-def]
    declared: Mapping[str, str], system: bool, former: Collection[str] = (), keeps: int | None = None
):
    """
    Say which stored messages no mailbox declares any more, and which a new mailbox takes over. Changes nothing.

    + declared: address: login
    + system: whether the messages lie in Unix users' homes
    + former: addresses whose messages are handed over to others
    + keeps: for how many seconds the archive keeps mailboxes (None: for ever), so that all is asked in one go

    Call it before Dovecot's list of mailboxes changes: the old list tells which mailboxes are new.
    """
    of_stores, of_leaving = _of_stores(declared, system, keeps)
    stores = ask(of_stores)
    leaving = stores.listed if ask(of_leaving).ours and not system else ()  # to the archive, which is told by itself
    others = dict.fromkeys([*former, *leaving], "")
    say([left_behind(stores, {**others, **declared}, system), taken_over(stores, declared, system)])
    host.noop("messages are never removed")
    yield from ()


def left_behind(stores: StoresOnHost, declared: Mapping[str, str], system: bool) -> list[str]:
    """A sentence for each home with messages that no declared mailbox reads."""
    virtual = [home for address, home in (stores.virtual or {}).items() if system or address not in declared]
    unix = [home for user, home in (stores.system or {}).items() if system and user not in declared.values()]
    return [
        f"{home} holds messages and belongs to no declared mailbox; they stay" for home in sorted([*virtual, *unix])
    ]


def taken_over(stores: StoresOnHost, declared: Mapping[str, str], system: bool) -> list[str]:
    """A sentence for each mailbox that was not served before, and whose home holds messages already."""
    if system:  # a Unix user's messages are the user's own
        return []
    found = [(address, home) for address, home in sorted((stores.virtual or {}).items()) if address in declared]
    return [
        f"{address} is new here and will read the messages that lie in {home}; move them away if they are not its own"
        for address, home in found
        if address not in stores.listed
    ]


def _of_sessions(**_: object) -> list[Question[list[Session]]]:
    return [question(Sessions)]


@looks(_of_sessions)
def closed(keep: Collection[str]):  # type: ignore[no-untyped-def]
    """
    End the sessions of everybody who is logged in and no longer declared.

    + keep: the logins that may stay
    """
    gone = sorted({session.login for session in ask(question(Sessions))} - set(keep))
    if not gone:
        host.noop("nobody is logged in who may not")
        return
    yield script("closed.sh", parts=("sessions.sh",), stdin="".join(f"{login}\n" for login in gone))
