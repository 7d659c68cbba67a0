"""The archive by the operator's hand: the program on the host is asked, as root."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pyinfra import host, state
from pyinfra.api import FunctionCommand, QuoteString, StringCommand, deploy, operation
from pyinfra.api.arguments import CONNECTOR_ARGUMENT_KEYS
from pyinfra.api.exceptions import DeployError
from pyinfra.api.output import echo
from pyinfra.context import ctx_host

from deploys.components.archive.options import PROGRAM
from deploys.config.mailserver import MailServer
from deploys.result import CONVERGE
from deploys.values import names

SECONDS = 6 * 3600
_DAY = re.compile(r"\d{4}-\d\d-\d\d")


@dataclass(frozen=True)
class Request:
    """What the host's own program shall do: ``words``; ``name`` is what pyinfra prints."""

    name: str
    words: tuple[str, ...]

    @classmethod
    def of(cls, mail: MailServer, back: object, to: object, at: object, folder: object) -> Request:
        """From what was said on the command line. DeployError says what is wrong with it."""
        if mail.accounts == "system":
            raise DeployError(
                "the archive is for virtual mailboxes; with accounts: system people's mail is in their homes"
            )
        if back is None:
            if any(one is not None for one in (to, at, folder)):
                raise DeployError("say whose mailbox shall come back, with --data back=ADDRESS")
            return cls("List the archive", ("list",))
        try:
            whose = names.mailbox_address(str(back))
            whom = names.mailbox_address(str(back if to is None else to))
        except ValueError as error:
            raise DeployError(f"back and to: {error}") from None
        if whom not in mail.mailboxes:
            other = "" if to else ", or say who else shall have it, with --data to=ADDRESS"
            raise DeployError(
                f"{whom} is none of mail.yaml's mailboxes; declare it first, and run deploys/mail.py{other}"
            )
        if at is not None and not _DAY.fullmatch(str(at)):
            raise DeployError(f"at: {at} is no day; write one that deploys/archive.py names, such as 2026-11-20")
        if folder is not None and (not str(folder).strip() or not str(folder).isprintable()):
            raise DeployError("folder: say a name, such as --data folder=Maria")
        words = ("back", whose, whom, str(at or ""), str(folder or ""))
        return cls(f"Bring {whose} back{'' if whom == whose else f' to {whom}'}", words)


@deploy("Archive")
def deploy_archive(request: Request) -> None:
    """Do it, and print what became of it."""
    asked(name=request.name, request=request)


@operation(is_idempotent=False)
def asked(request: Request):  # type: ignore[no-untyped-def]
    """
    Have the program on the host do something.

    + request: what
    """
    if state.is_executing:
        arguments = dict(host.current_op_global_arguments or {})
        as_root = {key: value for key, value in arguments.items() if key in CONNECTOR_ARGUMENT_KEYS}
        command = StringCommand(f"python3 -I -B {PROGRAM}", *map(QuoteString, request.words))
        done, output = host.run_shell_command(command, print_output=True, **{**as_root, "_timeout": SECONDS})
        if done:
            return
        why = " ".join(output.stderr_lines) or f"the host has no such program: {CONVERGE}"
        echo(f"{host.name}: {why}", err=True)
        state.failed_hosts.add(ctx_host.get())
    yield FunctionCommand(_fail, (), {})


def _fail(state: object, host: object) -> bool:
    """What pyinfra calls to learn that the operation failed."""
    return False
