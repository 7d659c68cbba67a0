"""The firewall: rules that would lock the administrator out are taken back by the host itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import gevent
from pyinfra import host, state
from pyinfra.api import QuoteString, StringCommand
from pyinfra.api.exceptions import ConnectError
from pyinfra.api.operation import OperationMeta
from pyinfra.connectors.ssh import SSHConnector
from pyinfra.connectors.util import CommandOutput, OutputLine
from typing_extensions import override

from facts.firewall import COMMENT, MEMORY, TABLE, Rules, UfwRules
from facts.state import tree_state
from facts.survey import Question, question
from facts.units import UnitState
from operations import unit as units
from operations.script import script, text
from operations.survey import ask, looks
from operations.telling import tell

SECONDS = 60  # until the host takes the new rules back
KNOCK_SECONDS = 20  # for the fresh connection


def _of_rules(
    unit: str, reload_on: Sequence[str] | None = None, trees: Sequence[str] | None = None, **_: object
) -> list[Question[Any]]:
    return [question(UnitState, unit=unit, reload_on=reload_on, trees=trees), question(Rules)]


@looks(_of_rules)
def converge(  # type: ignore[no-untyped-def]
    unit: str,
    reload_on: list[str] | None = None,
    trees: list[str] | None = None,
    probe: str = "true",
    after: Iterable[OperationMeta] = (),
    **_: object,
):
    """
    Make ``unit`` load the rules that lie in the one target of ``trees``, and be sure that an administrator still comes
    in. The arguments are those of unit.converge; what somebody changed in the kernel is loaded anew.

    A fresh connection has to come in once they are loaded. Until it has, the host waits SECONDS and then takes back the
    rules and the files of before, whatever has become of this workstation.
    """
    (target,) = trees or [""]
    of_unit, of_rules = _of_rules(unit, reload_on, trees)
    now, loaded = ask(of_unit), ask(of_rules)
    predicted = not state.is_executing and any(operation.will_change for operation in after)
    action = units.needed(now, predicted or not loaded.as_loaded)
    if action == "none" and now.enabled and not now.need_daemon_reload:
        host.noop(f"{unit} has loaded the rules on disk")
        return
    tell("unit", unit, action, target)
    here = (unit, tree_state(target), MEMORY, TABLE)
    yield script("firewall-arm.sh", *here, str(SECONDS), BACK=text("tree.sh", "firewall-back.sh"))
    yield units.command(unit, now, action, trees or [], reload_on or [], probe)
    yield OverAFreshConnection(script("firewall-confirm.sh", MEMORY), script("firewall-back.sh", *here))


class OverAFreshConnection(StringCommand):
    """A command that must go in by a connection of its own; where none is let in, ``otherwise`` goes by the old one.

    Only SSH has connections: by any other way the host is reached as before.
    """

    def __init__(self, command: StringCommand, otherwise: StringCommand) -> None:
        super().__init__(command)
        self.otherwise = otherwise

    @override
    def execute(self, state: Any, host: Any, connector_arguments: Any) -> Any:
        shown = {"print_output": state.print_output, "print_input": state.print_input}
        if not isinstance(host.connector, SSHConnector):
            return host.run_shell_command(self, **shown, **connector_arguments)
        fresh = type(host.connector)(state, host)
        try:
            with gevent.Timeout(KNOCK_SECONDS, TimeoutError(f"no answer within {KNOCK_SECONDS} s")):
                fresh.connect()
                done = fresh.run_shell_command(self, **shown, **connector_arguments)
        except (ConnectError, TimeoutError, OSError) as error:
            with gevent.Timeout(KNOCK_SECONDS, False):
                host.run_shell_command(self.otherwise, **shown, **connector_arguments)
            return False, CommandOutput([OutputLine("stderr", _shut_out(error))])
        finally:
            fresh.disconnect()
        return done


def _shut_out(error: BaseException) -> str:
    return (
        f"with the new rules nobody gets in any more ({error}); those of before are back, at the latest {SECONDS} s"
        " after this. Is there another port of sshd's than the host knows of? open_ports opens it"
    )


def _of_ufw(**_: object) -> list[Question[list[str]]]:
    return [question(UfwRules)]


@looks(_of_ufw)
def ufw(ports: Sequence[str]):  # type: ignore[no-untyped-def]
    """
    Have ufw(8) open ``ports`` (``25/tcp``), and shut those that it was told of by former runs.
    """
    (about,) = _of_ufw()
    there = ask(about)
    missing, extra = sorted(set(ports) - set(there)), sorted(set(there) - set(ports))
    if not missing and not extra:
        host.noop(f"ufw opens {len(ports)} ports")
        return
    for port in missing:
        yield StringCommand("ufw allow", QuoteString(port), "comment", COMMENT)
    for port in extra:
        yield StringCommand("ufw delete allow", QuoteString(port))
