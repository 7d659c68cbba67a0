"""App passwords by the operator's hand: the program on the host is asked, as root."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from pyinfra import state
from pyinfra.api import FunctionCommand, QuoteString, StringCommand, deploy, operation
from pyinfra.api.exceptions import DeployError
from pyinfra.api.output import echo

from deploys import asking
from deploys.components.account.program.account import flaw_of_label
from deploys.components.account.render import DIRECTORY
from deploys.config.mailserver import MailServer

_USAGE = "--data mailbox=ADDRESS, and --data make=LABEL or --data revoke=LABEL"


@dataclass(frozen=True)
class Request:
    """What shall be done with the app passwords of ``address``: list them (no label), make one or revoke one."""

    address: str
    word: str = "apps"
    label: str = ""

    @classmethod
    def of(cls, mail: MailServer, address: object, make: object, revoke: object) -> Request:
        """From what was said on the command line. DeployError says what is wrong with it."""
        if mail.accounts == "system":
            raise DeployError(
                "app passwords are for virtual mailboxes; with accounts: system people have Unix passwords"
            )
        if not address:
            raise DeployError(f"say whose app passwords: {_USAGE}")
        if str(address).lower() not in mail.mailboxes:
            raise DeployError(f"mailbox: {address} is none of mail.yaml's mailboxes")
        if make is not None and revoke is not None:
            raise DeployError("make and revoke are two runs; say one of them")
        label = str(revoke if make is None else make) if (make, revoke) != (None, None) else ""
        word = "newapp" if make is not None else "dropapp" if revoke is not None else "apps"
        if word != "apps" and (flaw := flaw_of_label(label)):
            raise DeployError(f"{'make' if word == 'newapp' else 'revoke'}: {flaw}")
        return cls(str(address).lower(), word, label)


@deploy("App passwords")
def deploy_app_passwords(request: Request) -> None:
    """Do it, and print what there is to tell: on standard output, which no log keeps."""
    names = {"apps": "List", "newapp": "Make one of", "dropapp": "Revoke one of"}
    asked(name=f"{names[request.word]} {request.address}'s app passwords", request=request)


@operation(is_idempotent=False)
def asked(request: Request):  # type: ignore[no-untyped-def]
    """
    Ask the program on the host.

    + request: what for
    """
    if state.is_executing:
        command = StringCommand(f"python3 -I -B {DIRECTORY} {request.word}", QuoteString(request.address))
        # The secret comes back this way and goes nowhere but to the terminal: nothing of pyinfra's prints it.
        done, output = asking.run(command, _stdin=f"{request.label}\n", _timeout=120)
        if done:
            echo(_told(request, output.stdout_lines), err="--json" in sys.argv)
            return
        asking.complain(request.address, output)
    yield FunctionCommand(asking.fail, (), {})


def _told(request: Request, lines: list[str]) -> str:
    if request.word == "newapp":
        hint = "This is shown once. Type it into that one program, hyphens and all."
        return f"\n{request.address}, {request.label}: {lines[0]}\n{hint}\n"
    if request.word == "dropapp":
        return f"\n{request.address}, {request.label}: revoked\n"
    return "\n".join(["", f"{request.address} has {len(lines)} app passwords", *(f"  {line}" for line in lines), ""])
