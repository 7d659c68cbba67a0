"""The report of what drifted: lines for the terminal, JSON for programs, verify's page for people."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from deploys.checks import report as verified
from deploys.drifting.finding import Finding
from deploys.result import CheckResult
from deploys.values import reports

NONE = "nothing was changed by hand"


@dataclass(frozen=True)
class Report:
    """One host's. ``since``: what mail.yaml says other than at the last run; ``unlooked``: what could not be seen."""

    found: tuple[Finding, ...] = ()
    since: tuple[str, ...] = ()
    unlooked: tuple[str, ...] = ()
    host: str = ""
    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    seconds: float = 0.0

    @property
    def drift(self) -> tuple[Finding, ...]:
        """What a hand changed, or may have changed."""
        return tuple(one for one in self.found if one.cause != "declared")

    @property
    def anew(self) -> tuple[Finding, ...]:
        """What is only not converged yet."""
        return tuple(one for one in self.found if one.cause == "declared")

    @property
    def code(self) -> int:
        """0: none; 1: drift; 2: not all could be looked at."""
        return 2 if self.unlooked else 1 if self.drift else 0


def lines(report: Report) -> list[str]:
    """For the terminal, by component."""
    count = len(report.drift)
    head = f"{count} change{'' if count == 1 else 's'} by hand" if count else NONE
    if report.unlooked and not count:
        head = "not all could be looked at"
    shown = [f"{report.host}: {head}, looked in {report.seconds:.1f} s"]
    for component in dict.fromkeys(one.touches for one in report.drift):
        shown.append(f"  {component}")
        for one in report.drift:
            if one.touches == component:
                shown += _finding(one)
    if report.since or report.anew:
        shown.append("  mail.yaml (or Posthaus) says otherwise since the last run, which is no change by hand")
        shown += [f"    {line}" for line in report.since]
        shown += [
            f"    {one.about}: {one.seen if one.look != 'files' else 'as the last run left it'}" for one in report.anew
        ]
    shown += [f"  could not look at {one}" for one in report.unlooked]
    return shown


def _finding(one: Finding) -> Iterator[str]:
    doubt = " (by hand, or by mail.yaml since the last run: the host does not say)" if one.cause == "either" else ""
    yield f"    {one.about}: {one.seen}{doubt}"
    yield from (f"      {line}" for line in (*one.whose, *one.diff))
    yield f"      -> {one.remedy}"


def as_json(report: Report) -> str:
    """One object."""
    content = {
        "host": report.host,
        "at": f"{report.at:%Y-%m-%dT%H:%M:%SZ}",
        "seconds": round(report.seconds, 1),
        "code": report.code,
        "drift": [asdict(one) for one in report.drift],
        "declared_since": {"changes": list(report.since), "not_converged_yet": [asdict(one) for one in report.anew]},
        "not_looked_at": list(report.unlooked),
    }
    return json.dumps(content, ensure_ascii=False, indent=2) + "\n"


def as_html(report: Report) -> str:
    """Verify's page, a row for each finding. Differences stand in the terminal and in JSON."""
    rows = [
        CheckResult(f"drift.{number}", one.touches, one.about, "as the last run left it", _seen(one), False, one.remedy)
        for number, one in enumerate(report.drift)
    ]
    rows += [
        CheckResult(f"unlooked.{number}", "not looked at", one, "looked at", "could not", None)
        for number, one in enumerate(report.unlooked)
    ]
    if not rows:
        rows = [CheckResult("drift", "drift", "this host", "as the last run left it", NONE, True)]
    return verified.as_html(verified.Report(report.host, report.at, report.seconds, tuple(rows)))


def _seen(one: Finding) -> str:
    return "; ".join([one.seen, *one.whose])


def write(report: Report, directory: Path) -> Path:
    """Put both files into ``directory``; returns the page's path."""
    reports.keep(directory, report.host, "drift.json", as_json(report))
    return reports.keep(directory, report.host, "drift.html", as_html(report))


def of_host(report: Report, host: str, at: datetime, seconds: float) -> Report:
    """Whose it is, when it began, and how long it took."""
    return replace(report, host=host, at=at, seconds=seconds)
