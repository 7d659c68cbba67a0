"""A program of ours on the host, asked by the operator's word: what it prints is for whoever waits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pyinfra import host, state
from pyinfra.api import FunctionCommand, QuoteString, StringCommand, operation
from pyinfra.api.arguments import CONNECTOR_ARGUMENT_KEYS
from pyinfra.api.output import echo
from pyinfra.connectors.util import CommandOutput
from pyinfra.context import ctx_host

from deploys.result import CONVERGE

NONE = f"the host has nothing of it yet: {CONVERGE} first"


@operation(is_idempotent=False)
def program(path: str, words: Sequence[str], seconds: int):  # type: ignore[no-untyped-def]
    """
    Have a program on the host do something, and print what it says while it does.

    + path: the program, of Python
    + words: its arguments; no secret, for all who are logged in there see them
    + seconds: how long it may take
    """
    if state.is_executing:
        there = StringCommand("test -e", QuoteString(path), "|| { echo", QuoteString(NONE), ">&2; exit 1; };")
        command = StringCommand(there, "python3 -I -B", QuoteString(path), *map(QuoteString, words))
        done, output = run(command, print_output=True, _timeout=seconds)
        if done:
            return
        complain(host.name, output, printed=True)
    yield FunctionCommand(fail, (), {})


def run(command: StringCommand, **more: Any) -> tuple[bool, CommandOutput]:
    """Run ``command`` as the operation that is being executed would. ``more``: as of ``host.run_shell_command``."""
    arguments = dict(host.current_op_global_arguments or {})
    as_root = {key: value for key, value in arguments.items() if key in CONNECTOR_ARGUMENT_KEYS}
    return host.run_shell_command(command, **{**as_root, **more})


def complain(whose: str, output: CommandOutput, printed: bool = False) -> None:
    """Tell what the host's program complained of, after ``whose``, unless it was ``printed`` as it came; this host has
    failed."""
    why = " ".join(output.stderr_lines)
    if not why or not printed:
        echo(f"{whose}: {why or NONE}", err=True)
    state.failed_hosts.add(ctx_host.get())


def fail(state: object, host: object) -> bool:
    """What pyinfra calls to learn that the operation failed."""
    return False
