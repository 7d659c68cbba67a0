"""One night's check of one release: a fresh box, converged twice, looked at for drift, verified, restored elsewhere."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from lab import accounts, engine, restored, sweep
from lab import host as lab_host
from lab.errors import LabError
from lab.mailhost import MailHost
from lab.progress import say, step
from lab.pyinfra import Run


def main(arguments: Sequence[str]) -> int:
    """The command line of script/nightly; returns 1 where the release failed the gate."""
    parser = argparse.ArgumentParser(prog="script/nightly", description=__doc__)
    parser.add_argument("release", help="such as debian-13 or ubuntu-24.04")
    parser.add_argument("report", type=Path, help="directory for the report")
    options = parser.parse_args(arguments)
    options.report.mkdir(parents=True, exist_ok=True)
    try:
        findings = check(options.release, options.report)
    except LabError as error:
        findings = {"release": options.release, "passed": False, "reason": str(error)}
    (options.report / "drift.json").write_text(json.dumps(findings, indent=2) + "\n")
    say(summary(findings))
    _tell_github(summary(findings))
    return 0 if findings["passed"] else 1


def check(release: str, report: Path) -> dict[str, Any]:
    """Converge a fresh box of ``release`` twice, look for drift, verify it, back it up, and restore that on another;
    logs go to ``report``. The boxes go."""
    with tempfile.TemporaryDirectory(prefix="posthaus-nightly.") as state, ExitStack() as boxes:
        passwords = accounts.passwords(Path(state))
        settings = {**accounts.settings(passwords), "backup": restored.BACKUP}

        def box(name: str) -> MailHost:
            one = f"posthaus-nightly-{os.getpid()}-{name}"
            found = lab_host.start(engine.ensure(), one, release, Path(state, name), labels=sweep.owner())
            boxes.callback(found.remove)
            restored.password(mail_host := MailHost(found, settings, passwords))
            return mail_host

        first = box("first")
        judged = _judged(release, *_runs(first, report))
        if judged["exit_codes"]["first"]:
            return judged
        with step("A backup, restored on another box, where a login reads it"):
            back = restored.restored(first, lambda: box("second"), report)
        return {**judged, "passed": judged["passed"] and back["passed"], "restored": back}


def _runs(mail_host: MailHost, report: Path) -> tuple[Run, Run, Run, Run]:
    with step("First run"):
        first = mail_host.converge().kept(report / "first.log")
    with step("Second run, which must change nothing"):
        second = mail_host.converge().kept(report / "second.log")
    with step("Looking for changes by hand, of which there are none"):
        drift = mail_host.pyinfra("deploys/drift.py", "-y").kept(report / "by-hand.log")
    with step("Verification"):
        verified = mail_host.verify().kept(report / "verify.log")
    return first, second, drift, verified


def _judged(release: str, first: Run, second: Run, drift: Run, verified: Run) -> dict[str, Any]:
    drifted = second.totals.get("success", -1)
    passed = first.rc == 0 and second.rc == 0 and drifted == 0 and drift.rc == 0 and verified.rc == 0
    codes = {"first": first.rc, "second": second.rc, "drift": drift.rc, "verify": verified.rc}
    return {"release": release, "passed": passed, "exit_codes": codes, "changed_by_second_run": drifted}


def summary(findings: dict[str, Any]) -> str:
    """One line for a person."""
    verdict = "converges, and stays so" if findings["passed"] else "FAILED"
    details = {key: value for key, value in findings.items() if key not in ("release", "passed")}
    return f"{findings['release']}: {verdict} {json.dumps(details)}"


def _tell_github(line: str) -> None:
    """Where GitHub runs this, the line stands on the run's own page."""
    if page := os.environ.get("GITHUB_STEP_SUMMARY"):
        with open(page, "a", encoding="utf-8") as summary_page:
            summary_page.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
