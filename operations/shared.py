"""Mailboxes that several people share: their rights, what they see, and that who leaves sees nothing any more."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from pyinfra import host

from facts.shared import MEMORY, Made, Shared, SharedOnHost
from facts.survey import Question, question
from operations.script import script
from operations.survey import ask, looks

RIGHTS = "lrwstipekx"  # RFC 4314: all but "a", to decide who else may


def _of_shared(boxes: Mapping[str, Made], **_: object) -> list[Question[SharedOnHost]]:
    return [question(Shared, homes=sorted(box.home for box in boxes.values()))]


@looks(_of_shared)
def members(boxes: Mapping[str, Made], owner: str, prefix: str):  # type: ignore[no-untyped-def]
    """
    Let the members of each mailbox in, and nobody else; what else is shared on the host stays as it is.

    + boxes: by address, where it lies and who its members are; who is no longer named loses access at once
    + owner: the Unix user whose messages they are
    + prefix: under which members see it; each finds it there without looking for it

    Call it when Dovecot runs with its list of mailboxes.
    """
    (about,) = _of_shared(boxes)
    there = ask(about)
    wrong = {address: box for address, box in boxes.items() if not _is_as_declared(address, box, there)}
    over = {address: box for address, box in there.made.items() if address not in boxes}
    if not wrong and not over:
        host.noop(f"{len(boxes)} mailboxes are shared as declared")
        return
    # First what is over: for as long as a run lasts, the former home of a renamed one leads to the present one.
    lines = [line for address, box in sorted(over.items()) for line in _over(address, box)]
    lines += [line for address, box in sorted(wrong.items()) for line in _shared(address, box, there)]
    kept = [_noted(address, box) for address, box in sorted(boxes.items())]
    stdin = "".join(f"{line}\n" for line in lines)
    yield script("shared.sh", owner, prefix, RIGHTS, MEMORY, *kept, parts=("sessions.sh",), stdin=stdin)


def _is_as_declared(address: str, box: Made, there: SharedOnHost) -> bool:
    made = there.made.get(address)
    wanted = {frozenset((f"user={person}", frozenset(RIGHTS)) for person in box.members)}
    return made is not None and made.members == box.members and _read(there.rights.get(box.home, ())) == wanted


def _read(contents: Iterable[tuple[str, ...]]) -> set[frozenset[tuple[str, frozenset[str]]]]:
    """Of each different content who has which rights: Dovecot writes them in an order of its own."""
    split = ([line.rpartition(" ") for line in lines] for lines in contents)
    return {frozenset((who, frozenset(rights)) for who, _, rights in rows) for rows in split}


def _shared(address: str, box: Made, there: SharedOnHost) -> list[str]:
    made = there.made.get(address)
    before: Sequence[str] = made.members if made else ()
    return [
        f"rights {address} {box.home} {','.join(box.members)}",
        *(f"in {address} {person}" for person in box.members if person not in before),
        *(f"out {address} {person}" for person in before if person not in box.members),
    ]


def _over(address: str, box: Made) -> list[str]:
    return [f"none {address} {box.home}", *(f"out {address} {person}" for person in box.members)]


def _noted(address: str, box: Made) -> str:
    return f"{address} {box.home} {','.join(box.members)}"
