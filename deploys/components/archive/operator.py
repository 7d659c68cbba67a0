"""The archive by the operator's hand: the program on the host is asked, as root."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pyinfra.api import deploy
from pyinfra.api.exceptions import DeployError

from deploys.asking import program
from deploys.components.archive.options import PROGRAM
from deploys.config.mailserver import MailServer
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
    program(name=request.name, path=PROGRAM, words=request.words, seconds=SECONDS)
