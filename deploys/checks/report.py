"""The proof on paper: a table for the terminal, JSON for programs, a page for people."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from deploys.render import template
from deploys.result import CheckResult, Verdict, failed, summary

COLOURS: dict[Verdict, str] = {"ok": "green", "warn": "yellow", "FAIL": "red", "broken": "red", "unknown": "yellow"}
WIDEST_EXPECTED = 36  # characters of what was expected, and
WIDEST = 48  # characters of what was seen; the rest stands in the reports
Paint = Callable[[str, str], str]


def plain(text: str, colour: str) -> str:
    """No colour at all."""
    return text


@dataclass(frozen=True)
class Report:
    """One host's proof. ``at`` is when it began (UTC), ``seconds`` how long it took; ``people``: their part."""

    host: str
    at: datetime
    seconds: float
    lines: tuple[CheckResult, ...]
    people: tuple[str, ...] = ()

    @property
    def summary(self) -> str:
        """One line: whether all holds, and the count of verdicts."""
        return f"{self.host}: {summary(self.lines)}, in {self.seconds:.1f} s"


def table(report: Report, paint: Paint = plain) -> str:
    """Aligned columns, group by group; what to do stands below each line that is not ok."""
    rows = [_cells(line) for line in report.lines]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(3)]
    text = []
    for group, lines in by_group(report.lines).items():
        text.append(group)
        text += [_row(line, widths, paint) for line in lines]
    if report.people:
        text += ["for a person", *(f"  - {one}" for one in report.people)]
    worst = "FAIL" if failed(report.lines) else "ok"
    return "\n".join([*text, paint(report.summary, COLOURS[worst])])  # type: ignore[index]


def _row(line: CheckResult, widths: list[int], paint: Paint) -> str:
    cells = zip(_cells(line), widths, strict=True)
    row = "  ".join(cell.ljust(width) for cell, width in cells)
    cut = len(line.seen) > WIDEST or len(line.expected) > WIDEST_EXPECTED
    whole = [f"      expected {line.expected}", f"      found    {line.seen}"] if line.verdict != "ok" and cut else []
    remedy = [f"      -> {line.remedy}"] if line.remedy else []
    return "\n".join([f"  {row}  {paint(line.verdict, COLOURS[line.verdict])}", *whole, *remedy])


def by_group(lines: Iterable[CheckResult]) -> dict[str, list[CheckResult]]:
    """The lines of each group together, groups in the order of their first line."""
    groups: dict[str, list[CheckResult]] = {}
    for line in lines:
        groups.setdefault(line.group, []).append(line)
    return groups


def _cells(line: CheckResult) -> tuple[str, str, str]:
    return line.what, _short(line.expected, WIDEST_EXPECTED), _short(line.seen, WIDEST)


def _short(text: str, widest: int) -> str:
    return text if len(text) <= widest else f"{text[: widest - 1]}…"


def as_json(report: Report) -> str:
    """The same as one object."""
    content = {
        "host": report.host,
        "at": f"{report.at:%Y-%m-%dT%H:%M:%SZ}",
        "seconds": round(report.seconds, 1),
        "ok": not failed(report.lines),
        "people": list(report.people),
        "lines": [asdict(line) | {"verdict": line.verdict} for line in report.lines],
    }
    return json.dumps(content, ensure_ascii=False, indent=2) + "\n"


def as_html(report: Report) -> str:
    """The same as a page that needs nothing else."""
    groups = list(by_group(report.lines).items())
    page = Path(__file__).parent / "report.html.j2"
    return template(page, report=report, groups=groups, failed=failed(report.lines), count=summary(report.lines))


def write(report: Report, directory: Path) -> Path:
    """Put both files into ``directory``; returns the page's path. Every host has a name of its own there."""
    directory.mkdir(exist_ok=True)
    stem = re.sub(r"[^A-Za-z0-9.-]+", "-", report.host).strip("-")
    (directory / f"{stem}.json").write_text(as_json(report), "utf-8")
    page = directory / f"{stem}.html"
    page.write_text(as_html(report), "utf-8")
    return page
