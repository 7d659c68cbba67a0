"""Mailboxes that are no longer declared: how many are kept, and which goes next."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from deploys.components.watch.program.amounts import DAY, count
from deploys.result import Check, CheckResult
from deploys.values import archived

GROUP = "mailboxes"
LATE = 2 * DAY  # it is looked at each night
WHY = "journalctl -u posthaus-archive -n 30 says why; systemctl start posthaus-archive.service tries again"
Kept = Sequence[tuple[str, float, int]]  # whose, since when (seconds since the epoch), messages; the oldest first


def archive(state: str, keeps: int | None) -> Iterator[CheckResult]:
    """``state``: where each has a directory ``DOMAIN/LOCAL.TIME``; ``keeps``: for how many seconds, None: for ever."""
    yield from results(kept(Path(state)), keeps, time.time())


def kept(state: Path) -> Kept:
    """All that is there."""
    found = []
    for about in state.glob("*/*/about.json"):
        if named := archived.whose(about.parent):
            address, begun = named
            told = json.loads(about.read_text("utf-8"))
            found.append((address, told.get("at", begun), int(told["messages"])))
    return sorted(found, key=lambda one: one[1])


def results(found: Kept, keeps: int | None, now: float) -> Iterator[CheckResult]:
    """Nothing where nobody's mailbox is there."""
    if not found:
        return
    amounts = f"{count(len(found), 'mailbox')}, {count(sum(one[2] for one in found), 'message')}"
    if not keeps:
        yield Check("archive", GROUP, "archive", "kept for ever").result(amounts, True)
        return
    whose, since, _ = found[0]
    day = archived.day(since + keeps)
    about = Check("archive", GROUP, "archive", f"each kept for {count(keeps // DAY, 'day')}")
    late = now - since - keeps > LATE
    yield about.result(f"{amounts}; next to be deleted: {whose}, on {day}", True, WHY if late else "")
