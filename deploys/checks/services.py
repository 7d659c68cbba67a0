"""Which units run, and whether they run what lies on disk."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from deploys.components.clamav import render as clamav
from deploys.result import CONVERGE, Check, CheckResult
from facts.units import Unit

GROUP = "services"


def results(units: Mapping[str, Unit]) -> list[CheckResult]:
    """One result for each unit."""
    return [_result(name, unit) for name, unit in units.items()]


def _result(name: str, unit: Unit) -> CheckResult:
    about = Check(key(name), GROUP, name, "runs the configuration on disk")
    wrong = _wrong(name, unit)
    if not wrong:
        return about.result(f"{unit.state} since {_clock(unit.since)}", True)
    seen, remedy = wrong
    return about.result(seen, False, remedy)


def key(unit: str) -> str:
    """``services.postfix``; PHP's unit has the release's version in its name, its key has not."""
    return "services." + re.sub(r"^php[0-9.]+-", "php-", re.sub(r"\.(service|socket|path)$", "", unit))


def _wrong(name: str, unit: Unit) -> tuple[str, str] | None:
    """What is wrong first, and what fixes it."""
    if unit.masked:
        return "masked: systemd may not start it", f"{CONVERGE}, which unmasks it"
    if not unit.loaded:
        return "no such unit", CONVERGE
    if not unit.active and name == clamav.SCANNER:
        return unit.state, f"its signatures may be on their way; else: journalctl -u {clamav.FETCHER} -n 30"
    if not unit.active:
        return unit.state, f"{CONVERGE}; if it stays down: journalctl -u {name} -n 30"
    if unit.deleted_exe:
        return "runs a program that an upgrade replaced", f"{CONVERGE}, which restarts it"
    if unit.blind:
        return "sees another file of name servers than it should", f"{CONVERGE}, which restarts it"
    if unit.stale:
        return (
            f"files changed {_lag(unit)} after it last read them",
            f"{CONVERGE}, which {'restarts' if unit.needs_restart else 'reloads'} it",
        )
    if unit.unproved:
        return f"has not come up yet with the newest files below {', '.join(unit.unproved)}", CONVERGE
    if unit.need_daemon_reload:
        return "its unit file changed since systemd read it", f"{CONVERGE}, or systemctl daemon-reload"
    if not unit.enabled:
        return "not enabled: it would not come back after a reboot", CONVERGE
    return None


def _lag(unit: Unit) -> str:
    newest = max(filter(None, (unit.newest_reload, unit.newest_restart)), default=0.0)
    return f"{timedelta(seconds=max(1, round(newest - (unit.changed_at or newest))))}"


def _clock(seconds: float | None) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC" if seconds else "an unknown time"
