"""Mailboxes on their way to the archive, and what lies there of those who have an address now."""

from __future__ import annotations

from dataclasses import dataclass

from pyinfra.api import FactBase
from typing_extensions import override

from facts.record import Record
from facts.state import ARCHIVE, LEAVING, tree_state
from facts.stores import USERS

# What is archived under an address counts where the list of mailboxes becomes another: then $same is empty.
_COMMAND = (
    f"[ ! -d {tree_state('/etc/dovecot')} ] || echo ours; "
    f"sed 's/^/noted /' {LEAVING} 2>/dev/null; "
    f"[ \"$(sed -n 's/^\\([^:]*\\):.*/\\1/p' {USERS} 2>/dev/null | LC_ALL=C sort | sha256sum | cut -c1-64)\""
    ' = "$declared" ] && same=1 || same=; '
    '[ -z "$keeps" ] || before=$(date -u -d "@$(($(date +%s) - keeps))" +%Y%m%dT%H%M%SZ); '
    f"for one in {ARCHIVE}/*/*/about.json; do one=${{one%/about.json}}; domain=${{one%/*}}; "
    'echo "${domain##*/} ${one##*/}"; done 2>/dev/null | '
    'awk -v same=$same -v before=${before-} \'$2 == "*" { next } { stamp = $2; sub(/.*[.]/, "", stamp) } '
    '!same { print "archived", $1, $2 } before && stamp < before { print "due", $1, $2 }\'; true'
)


@dataclass(frozen=True)
class LeavingOnHost(Record):
    """``ours``: a run of ours wrote Dovecot's list of mailboxes; ``noted``: addresses that runs took out of it, and
    are not done with; ``archived``, ``due``: (address, day) of what lies in the archive, and of what is past its time,
    the oldest first. ``archived`` is empty where Dovecot has just the mailboxes that are declared."""

    ours: bool = False
    noted: tuple[str, ...] = ()
    archived: tuple[tuple[str, str], ...] = ()
    due: tuple[tuple[str, str], ...] = ()


class Leaving(FactBase[LeavingOnHost]):
    """What a run has to know of mailboxes that go. ``declared``: as for facts.stores.Stores; ``keeps``: for how many
    seconds they are kept, 0: for ever.

    ``pyinfra inventory.py fact facts.leaving.Leaving``
    """

    default = LeavingOnHost

    @override
    def command(self, declared: str = "", keeps: int = 0) -> str:
        return f"declared={declared}; keeps={keeps or ''}; {_COMMAND}"

    @override
    def process(self, output: list[str]) -> LeavingOnHost:
        rows = [line.split() for line in output]
        return LeavingOnHost(
            ["ours"] in rows,
            tuple(row[1] for row in rows if row[0] == "noted"),
            _days(row for row in rows if row[0] == "archived"),
            _days(row for row in rows if row[0] == "due"),
        )


def _days(rows: object) -> tuple[tuple[str, str], ...]:
    named = [(domain, *name.rpartition(".")[::2]) for _, domain, name in rows]  # type: ignore[attr-defined]
    return tuple(
        (f"{local}@{domain}", f"{stamp[:4]}-{stamp[4:6]}-{stamp[6:8]}")
        for domain, local, stamp in sorted(named, key=lambda one: one[2])
    )
