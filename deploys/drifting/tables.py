"""Files that say who has what, as people say it: whose mail a change by hand touches, and what mail.yaml says anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from deploys.drifting.finding import Finding
from deploys.summary import words
from deploys.summary.changes import changes
from deploys.summary.look import Both, Seen, known


def told(found: Sequence[Finding], seen: Seen) -> tuple[list[Finding], list[str]]:
    """``found`` with whose mail each table touches; and what mail.yaml says other than at the last run, a line each.

    ``seen``: the tables that become others at the next run.
    """
    tables = {one.table.path: one for one in seen.tables if not one.same}
    anew = {one.about for one in found if one.cause == "declared" and one.about in tables}
    lines = words.lines(seen.changes(landed=anew), seen.messages, seen.quota)
    by_hand = [_whose(one, tables[one.about], seen) if one.about in set(tables) - anew else one for one in found]
    return by_hand, lines


def _whose(one: Finding, both: Both, seen: Seen) -> Finding:
    """What the hand did: from what is declared to what is there."""
    tables = [replace(other, before=other.after) if other is not both else other for other in seen.tables]
    there, declared = known(tables)
    made = changes(declared, there)
    return replace(one, whose=tuple(words.lines(made, {}, (seen.quota[1], seen.quota[0]))))
