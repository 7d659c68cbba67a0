"""The report of a verification, or of a status: a table for the terminal, JSON for programs, a page for people."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from deploys.render import template
from deploys.result import CheckResult, Verdict, failed, severity, summary
from deploys.values import reports

COLOURS: dict[Verdict, str] = {"ok": "green", "warn": "yellow", "FAIL": "red", "broken": "red", "unknown": "yellow"}
WIDEST_EXPECTED = 36  # characters of what was expected, and
WIDEST = 48  # characters of what was seen; the rest stands in the reports
WORST: tuple[Verdict, ...] = ("ok", "warn", "FAIL")  # by severity
Paint = Callable[[str, str], str]


def plain(text: str, colour: str) -> str:
    """No colour at all."""
    return text


@dataclass(frozen=True)
class Report:
    """One host's verification, or its status. ``at`` is when it began (UTC), ``seconds`` how long it took;
    ``manual_steps``: what no program can do. ``kind``: ``status``, or empty for a verification."""

    host: str
    at: datetime
    seconds: float
    results: tuple[CheckResult, ...]
    manual_steps: tuple[str, ...] = ()
    kind: str = ""

    @property
    def worst(self) -> Verdict:
        """The verdict on all."""
        return WORST[severity(self.results)]

    @property
    def summary(self) -> str:
        """One line: whether all holds, and the count of verdicts."""
        return f"{self.host}: {summary(self.results)}, in {self.seconds:.1f} s"


def table(report: Report, paint: Paint = plain) -> str:
    """Aligned columns, group by group; what to do stands below each result that is not ok."""
    rows = [_cells(result) for result in report.results]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(3)]
    text = []
    for group, results in by_group(report.results).items():
        text.append(group)
        text += [_row(result, widths, paint) for result in results]
    if report.manual_steps:
        text += ["manual steps", *(f"  - {one}" for one in report.manual_steps)]
    return "\n".join([*text, paint(report.summary, COLOURS[report.worst])])


def _row(result: CheckResult, widths: list[int], paint: Paint) -> str:
    cells = zip(_cells(result), widths, strict=True)
    row = "  ".join(cell.ljust(width) for cell, width in cells)
    cut = len(result.seen) > WIDEST or len(result.expected) > WIDEST_EXPECTED
    uncut = (
        [f"      expected {result.expected}", f"      found    {result.seen}"] if result.verdict != "ok" and cut else []
    )
    remedy = [f"      -> {result.remedy}"] if result.remedy else []
    return "\n".join([f"  {row}  {paint(result.verdict, COLOURS[result.verdict])}", *uncut, *remedy])


def by_group(results: Iterable[CheckResult]) -> dict[str, list[CheckResult]]:
    """The results of each group together, groups in the order of their first result."""
    groups: dict[str, list[CheckResult]] = {}
    for result in results:
        groups.setdefault(result.group, []).append(result)
    return groups


def _cells(result: CheckResult) -> tuple[str, str, str]:
    return result.what, _short(result.expected, WIDEST_EXPECTED), _short(result.seen, WIDEST)


def _short(text: str, widest: int) -> str:
    return text if len(text) <= widest else f"{text[: widest - 1]}…"


def as_json(report: Report) -> str:
    """The same as one object."""
    content = {
        "host": report.host,
        "at": f"{report.at:%Y-%m-%dT%H:%M:%SZ}",
        "seconds": round(report.seconds, 1),
        "ok": not failed(report.results),
        "severity": severity(report.results),
        "manual_steps": list(report.manual_steps),
        "results": [asdict(result) | {"verdict": result.verdict} for result in report.results],
    }
    return json.dumps(content, ensure_ascii=False, indent=2) + "\n"


def as_html(report: Report) -> str:
    """The same as a page that needs nothing else."""
    groups = list(by_group(report.results).items())
    page = Path(__file__).parent / "report.html.j2"
    return template(page, report=report, groups=groups, failed=failed(report.results), count=summary(report.results))


def write(report: Report, directory: Path) -> Path:
    """Put both files into ``directory``; returns the page's path. Every host has a name of its own there."""
    kind = f"{report.kind}." if report.kind else ""
    reports.keep(directory, report.host, f"{kind}json", as_json(report))
    return reports.keep(directory, report.host, f"{kind}html", as_html(report))
