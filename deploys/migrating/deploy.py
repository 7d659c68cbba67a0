"""Mailboxes from elsewhere, by the operator's word: the host's own Dovecot fetches them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from pyinfra import host, state
from pyinfra.api import FunctionCommand, StringCommand, deploy, operation
from pyinfra.api.exceptions import DeployError
from pyinfra.api.output import echo
from pyinfra.context import ctx_host

from deploys import asking
from deploys.checks.deploy import REPORTS
from deploys.config.mailserver import MailServer
from deploys.migrating import people
from deploys.migrating.program.main import SUMMARY
from deploys.migrating.shipped import COMMAND, UNIT, script

SECONDS = 7 * 24 * 3600
AT_WORK = (
    f"a migration is at work on this host already; wait for it, or end it there (systemctl stop {UNIT}):"
    " the next one goes on where it was"
)


@dataclass(frozen=True)
class Request:
    """What the host's program shall do; ``plan`` holds passwords. ``name`` is what pyinfra prints."""

    name: str
    plan: Mapping[str, Any] = field(repr=False)

    @classmethod
    def of(cls, mail: MailServer, said: Mapping[str, object]) -> Request:
        """DeployError says all that is wrong with what was said."""
        problems: list[str] = []
        parts: dict[str, Any] = {}
        ways = {"people": lambda: people.read(said, mail.directory), "ca": lambda: people.authority(said)}
        for word, way in {**ways, "at_once": lambda: people.at_once(said)}.items():
            try:
                parts[word] = way()
            except people.Wrong as why:
                problems.append(str(why))
        if problems:
            raise DeployError("\n" + "\n".join(problems))
        plan = {
            "people": [{**asdict(one), "ca": parts["ca"]} for one in parts["people"]],
            "at_once": parts["at_once"],
        }
        number = len(plan["people"])
        return cls(f"Take over {number:,} mailbox{'es' if number != 1 else ''}", plan)


@deploy("Migration")
def deploy_request(request: Request) -> None:
    """Do it, and print how far it is, and what became of it."""
    asked(name=request.name, request=request)


@operation(is_idempotent=False)
def asked(request: Request):  # type: ignore[no-untyped-def]
    """
    Have the host fetch mailboxes from elsewhere.

    + request: what
    """
    if state.is_executing:
        command = StringCommand(COMMAND)
        done, output = asking.run(command, print_output=True, _stdin=script(request.plan), _timeout=SECONDS)
        errors = " ".join(output.stderr_lines)
        if f"{UNIT}.service" in errors and ("already" in errors or "fragment" in errors):
            echo(f"{host.name}: {AT_WORK}", err=True)
        else:
            _keep(asking.run(StringCommand(f"cat {SUMMARY}"))[1].stdout)
        if done:
            return
        state.failed_hosts.add(ctx_host.get())
    yield FunctionCommand(asking.fail, (), {})


def _keep(summary: str) -> None:
    """Beside the other reports, for programs."""
    try:
        told = json.loads(summary)
    except ValueError:
        return
    REPORTS.mkdir(exist_ok=True)
    path = REPORTS / f"{host.name.replace('/', '-').strip('@-')}.migrate.json"
    path.write_text(json.dumps(told, ensure_ascii=False, indent=1) + "\n", "utf-8")
    echo(f"{host.name}: {path}", err=True)
