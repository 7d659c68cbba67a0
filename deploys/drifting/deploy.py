"""Look at one host, print what drifted, keep a report. Nothing is changed."""

from __future__ import annotations

import atexit
import os
import sys
import time
from datetime import UTC, datetime

from pyinfra import host, state
from pyinfra.api import FunctionCommand, deploy, operation
from pyinfra.api.output import echo, format_text
from pyinfra.context import ctx_host

from deploys.checks import deploy as verifying
from deploys.config.mailserver import MailServer
from deploys.drifting.look import everything
from deploys.drifting.report import Report, lines, of_host, write

NAME = "Look for changes by hand"
verifying.LOOKING.add(NAME)


@deploy("Drift")
def deploy_drift(mail: MailServer) -> None:
    """Print what differs here from what a run left, write a report, fail the host if anything does."""
    verifying.only_looks()
    if state.failed_hosts and "--json" not in sys.argv:  # nobody could connect to them
        _say_two()
    drift(name=NAME, mail=mail, _ignore_errors="--json" in sys.argv)


@operation()
def drift(mail: MailServer):  # type: ignore[no-untyped-def]
    """
    Look at the host and tell; no command that changes anything.

    + mail: what the host must be
    """
    if not (state.is_executing or verifying.json_is_the_run()):
        host.noop("drift changes nothing; it looks when the run executes")
        return
    report = _report(mail)
    page = write(report, verifying.REPORTS)
    head, *rest = lines(report)
    painted = format_text(head, fg="red" if report.code else "green", bold=True)
    echo("\n".join(["", painted, *rest, f"{page}", ""]), err=True)  # stdout belongs to --json
    if report.code == 2:
        _say_two()
    if report.code:
        state.failed_hosts.add(ctx_host.get())
        if state.is_executing:
            yield FunctionCommand(verifying.fail, (), {})


def _report(mail: MailServer) -> Report:
    began, at = time.monotonic(), datetime.now(UTC)
    try:
        report = everything(mail)
    except Exception as error:  # one host that cannot be looked at must not keep the others from being looked at
        report = Report(unlooked=(f"the host: {type(error).__name__}: {error}",))
    return of_host(report, host.name, at, time.monotonic() - began)


def _say_two() -> None:
    """End with 2. pyinfra knows 1 alone, so its exit is taken over once it has said all that it says."""
    atexit.unregister(_exit)
    atexit.register(_exit)


def _exit() -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(2)
