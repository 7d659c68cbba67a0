"""The proof on paper: a table for the terminal, JSON for programs, a page for people."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import groupby
from pathlib import Path

from deploys.proof.line import Line, Verdict, failed, summary
from deploys.render import template

COLOURS: dict[Verdict, str] = {"ok": "green", "warn": "yellow", "FAIL": "red", "unknown": "yellow"}
WIDEST = 48  # characters of what was seen; the rest stands in the reports
Paint = Callable[[str, str], str]


def plain(text: str, colour: str) -> str:
    """No colour at all."""
    return text


@dataclass(frozen=True)
class Report:
    """One host's proof. ``at`` is when it began (UTC), ``seconds`` how long it took."""

    host: str
    at: datetime
    seconds: float
    lines: tuple[Line, ...]

    @property
    def summary(self) -> str:
        """One line: whether all holds, and the count of verdicts."""
        return f"{self.host}: {summary(self.lines)}, in {self.seconds:.1f} s"


def table(report: Report, paint: Paint = plain) -> str:
    """Aligned columns, room by room; what to do stands below each line that is not ok."""
    rows = [(line.what, line.expected, _short(line.seen)) for line in report.lines]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(3)]
    text = []
    for room, lines in groupby(report.lines, key=lambda line: line.room):
        text.append(room)
        text += [_row(line, widths, paint) for line in lines]
    worst = "FAIL" if failed(report.lines) else "ok"
    return "\n".join([*text, paint(report.summary, COLOURS[worst])])  # type: ignore[index]


def _row(line: Line, widths: list[int], paint: Paint) -> str:
    cells = zip((line.what, line.expected, _short(line.seen)), widths, strict=True)
    row = "  ".join(cell.ljust(width) for cell, width in cells)
    whole = [f"      {line.seen}"] if line.verdict != "ok" and len(line.seen) > WIDEST else []
    remedy = [f"      -> {line.remedy}"] if line.remedy else []
    return "\n".join([f"  {row}  {paint(line.verdict, COLOURS[line.verdict])}", *whole, *remedy])


def _short(text: str) -> str:
    return text if len(text) <= WIDEST else f"{text[: WIDEST - 1]}…"


def as_json(report: Report) -> str:
    """The same as one object."""
    words = {
        "host": report.host,
        "at": f"{report.at:%Y-%m-%dT%H:%M:%SZ}",
        "seconds": round(report.seconds, 1),
        "ok": not failed(report.lines),
        "lines": [asdict(line) | {"verdict": line.verdict} for line in report.lines],
    }
    return json.dumps(words, ensure_ascii=False, indent=2) + "\n"


def as_html(report: Report) -> str:
    """The same as a page that needs nothing else."""
    rooms = [(room, list(lines)) for room, lines in groupby(report.lines, key=lambda line: line.room)]
    page = Path(__file__).parent / "report.html.j2"
    return template(page, report=report, rooms=rooms, failed=failed(report.lines), count=summary(report.lines))


def write(report: Report, directory: Path) -> Path:
    """Put both files into ``directory``; returns the page's path. Every host has a name of its own there."""
    directory.mkdir(exist_ok=True)
    stem = re.sub(r"[^A-Za-z0-9.-]+", "-", report.host).strip("-")
    (directory / f"{stem}.json").write_text(as_json(report), "utf-8")
    page = directory / f"{stem}.html"
    page.write_text(as_html(report), "utf-8")
    return page
