"""The table of docs/reliability.md, as the test writes it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from tests.on_host.chaos.ledger import Count
from tests.on_host.chaos.rounds import Row

HEAD = (
    "answered 250", "delivered", "in the queue", "bounced", "lost", "twice", "put off", "refused", "changes of the run",
    "of the next",
)  # fmt: skip


def table(rows: Sequence[Row], whole: Count, failed: Iterable[str] = ()) -> str:
    """A row for each fault, and the last count of all messages together. ``failed``: what one run did not mend."""
    lines = [f"| fault | {' | '.join(HEAD)} |", f"|---|{'---|' * len(HEAD)}"]
    for row in rows:
        more = (row.put_off, row.refused, row.changes, row.again)
        lines.append(_line(row.fault, *_counted(row.count), *more))
    lines += [_line(name, "**one run did not mend it**", *[""] * (len(HEAD) - 1)) for name in failed]
    summed = [sum(getattr(row, name) for row in rows) for name in ("put_off", "refused", "changes", "again")]
    return "\n".join([*lines, _line("**all, counted again at the end**", *_counted(whole), *summed)])


def _counted(one: Count) -> tuple[int, ...]:
    return one.taken, one.delivered, one.queued, one.bounced, len(one.lost), one.twice.total()


def _line(*cells: object) -> str:
    return f"| {' | '.join(str(cell) for cell in cells)} |"


def written(page: Path, release: str, rows: Sequence[Row], whole: Count, failed: Iterable[str] = ()) -> None:
    """Put the table of this release between its two marks on the page; the rest of the page stays as it is."""
    begin, end = f"<!-- {release}: written by tests/on_host/test_chaos.py -->", f"<!-- {release}: end -->"
    text = page.read_text() if page.exists() else ""
    said = f"{datetime.now(UTC):%Y-%m-%d}, {release}, {whole.taken:,} messages answered 250:"
    part = f"{begin}\n{said}\n\n{table(rows, whole, failed)}\n{end}"
    pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    page.write_text(pattern.sub(lambda _: part, text) if begin in text else f"{text}\n{part}\n")
