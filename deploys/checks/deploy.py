"""Look at one host, judge, print, keep a report. Nothing is changed, so pyinfra is told of no change."""

from __future__ import annotations

import io
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from pyinfra import host, state
from pyinfra.api import FunctionCommand, deploy, operation
from pyinfra.api.output import echo, format_text
from pyinfra.context import ctx_host

from deploys.asking import fail as fail
from deploys.checks.collect import everything
from deploys.checks.report import Report, table, write
from deploys.config.mailserver import MailServer
from deploys.result import CONVERGE, CheckResult, failed

NAME = "Verify that the host serves mail"
LOOKING = {NAME}  # operations that only look
REPORTS = Path(__file__).parents[2] / "reports"


@deploy("Verification")
def deploy_verify(mail: MailServer) -> None:
    """Check that ``mail`` is served here: prints a table, writes a report, fails the host if any check fails."""
    only_looks()
    # With --json alone, pyinfra never executes, and ends before it prints where all hosts failed: see docs/verify.md.
    verify(name=NAME, mail=mail, _ignore_errors="--json" in sys.argv)


def only_looks() -> None:
    """Where a run changes nothing, nobody is asked to agree to it."""
    if not isinstance(sys.stdin, _Enter):
        sys.stdin = _Enter(sys.stdin)


@operation()
def verify(mail: MailServer):  # type: ignore[no-untyped-def]
    """
    Look at the host and judge; no command that changes anything.

    + mail: what the host must do
    """
    if not (state.is_executing or json_is_the_run()):
        host.noop("verify changes nothing; it looks when the run executes")
        return
    report = _report(mail)
    page = write(report, REPORTS)
    paint = lambda text, colour: format_text(text, fg=colour, bold=True)  # noqa: E731
    echo(f"\n{table(report, paint)}\n{page}\n", err=True)  # stdout belongs to --json
    if failed(report.results):
        state.failed_hosts.add(ctx_host.get())
        if state.is_executing:
            yield FunctionCommand(fail, (), {})


def json_is_the_run() -> bool:
    """``--json`` without ``-y`` ends before anything executes; who changes nothing may look then."""
    return "--json" in sys.argv and "--dry" not in sys.argv and state.should_check_for_changes() and _alone()


def _alone() -> bool:
    return all(name.endswith(tuple(LOOKING)) for operation in state.op_meta.values() for name in operation.names)


class _Enter(io.TextIOBase):
    """Answers pyinfra's "Press enter to execute": verify changes nothing that anybody would have to agree to."""

    def __init__(self, person: object) -> None:
        self.person = person

    def readline(self, *size: int) -> str:  # type: ignore[override]
        """Enter if this run only verifies; else whatever the person says."""
        return "\n" if _alone() else str(self.person.readline(*size))  # type: ignore[attr-defined]


def _report(mail: MailServer) -> Report:
    began, at = time.monotonic(), datetime.now(UTC)
    try:
        results, manual_steps = everything(mail, at)
    except Exception as error:  # one host that cannot be looked at must not keep the others from being proved
        results = [
            CheckResult(
                "host", "host", "the host", "can be looked at", f"{type(error).__name__}: {error}", False, CONVERGE
            )
        ]
        manual_steps = ()
    return Report(host.name, at, time.monotonic() - began, tuple(results), manual_steps)
