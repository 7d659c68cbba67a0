"""Mailboxes that have another address now: what lay under the former one is handed over, once."""

from __future__ import annotations

from collections.abc import Mapping

from pyinfra import host
from pyinfra.api.exceptions import OperationValueError

from facts.homes import Homes, Renaming
from facts.mailboxes import STORE
from facts.state import RENAMED
from facts.survey import Question, question
from operations.script import script
from operations.survey import ask, looks

Former = Mapping[str, tuple[str, ...]]  # of each mailbox the addresses that it had


def home(address: str) -> str:
    """Where the store of a virtual mailbox lies."""
    local, _, domain = address.rpartition("@")
    return f"{STORE}/{domain}/{local}"


def of_homes(former: Former) -> list[Question[dict[str, str]]]:
    """What has to be known of the host; nothing where nobody has had another address."""
    homes = sorted({home(one) for new, olds in former.items() for one in (new, *olds)})
    return [question(Homes, homes=homes)] if homes else []


def conflicts(former: Former, found: dict[str, str]) -> list[str]:
    """A sentence for each mailbox of which two homes hold messages: nothing is merged, nothing overwritten."""
    problems = []
    for new, olds in sorted(former.items()):
        full = [one for one in (new, *olds) if found.get(home(one)) == "full"]
        if len(full) > 1:
            other = home(full[1])
            problems.append(
                f"formerly: {' and '.join(map(home, full))} both hold messages or Sieve scripts, and only one can be"
                f" {new}'s; move {other} away and take {full[1]} out of formerly, or bring both together by hand first"
                f" (doveadm import -u {full[0]} maildir:{other}/Maildir Former all) and then move {other} away"
            )
    return problems


def pending(former: Former, found: Mapping[str, str]) -> dict[str, str]:
    """Which former address each mailbox takes over now; those that are done are left out."""
    moves = {}
    for new, olds in former.items():
        there = [old for old in olds if found.get(home(old)) in ("full", "empty")]
        full = [old for old in there if found[home(old)] == "full"]
        if (full or there) and found.get(home(new)) != "full":
            moves[new] = (full or there)[0]
    return {new: old for new, old in moves.items() if found[home(old)] == "full" or home(new) not in found}


def _of_former(former: Former, **_: object) -> list[Question[dict[str, str]]]:
    return of_homes(former)


@looks(_of_former)
def handed_over(  # type: ignore[no-untyped-def]
    former: Former, owner: str, program: str
):
    """
    Give each mailbox what lies under its former address: messages, rules, passwords, settings, address book, rights to
    folders of others, and of others to its own.

    + former: of each mailbox the addresses that it had; at most one of their homes holds messages
    + owner: the Unix user whose messages they are
    + program: the directory of the host's own program that knows what else a person has (the archive's)

    Until ``links_removed`` the old home is a link to the new one, so messages arrive under either name.
    """
    if not former:
        host.noop("nobody has another address now")
        return
    (about,) = of_homes(former)
    found = ask(about)
    if problems := conflicts(former, found):
        raise OperationValueError("; ".join(problems))
    moves = pending(former, found)
    if not moves:
        host.noop("what lay under former addresses is handed over")
        return
    lines = [f"{home(old)} {home(new)} {old} {new}\n" for new, old in sorted(moves.items())]
    yield script("rename.sh", owner, program, RENAMED, parts=("sessions.sh",), stdin="".join(lines))


def _of_renaming(**_: object) -> list[Question[list[str]]]:
    return [question(Renaming)]


@looks(_of_renaming)
def left_links_removed(former: Former):  # type: ignore[no-untyped-def]
    """
    Take away the links that a run left when it died, where no former name explains them any more: whoever has such an
    address now is somebody else. And open the directories again that it had closed. Call it before Dovecot hears of new
    mailboxes.

    + former: of each mailbox the addresses that it had
    """
    (about,) = _of_renaming()
    explained = {home(old) for olds in former.values() for old in olds}
    links = [path for path in ask(about) if path not in explained]
    if not links:
        host.noop("no link to somebody else's messages is left")
        return
    yield script("unlink.sh", RENAMED, stdin="".join(f"{path}\n" for path in links))


@looks(_of_former)
def links_removed(former: Former):  # type: ignore[no-untyped-def]
    """
    Take away the links that ``handed_over`` left for messages on their way. Call it when Dovecot knows the new names.

    + former: of each mailbox the addresses that it had
    """
    found = {path: state for about in of_homes(former) for path, state in ask(about).items()}
    links = {
        path
        for new, olds in former.items()
        for old in olds
        if found.get(home(old)) == "link"
        for path in (home(old), home(new))
    }
    if not links:
        host.noop("no link to a new address is left")
        return
    yield script("unlink.sh", RENAMED, stdin="".join(f"{path}\n" for path in sorted(links)))
