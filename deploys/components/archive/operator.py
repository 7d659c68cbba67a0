"""The archive by the operator's hand: the program on the host is asked, as root."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

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
        """From what was said on the command line. DeployError says all that is wrong with it."""
        if mail.accounts == "system":
            raise DeployError(
                "the archive is for virtual mailboxes; with accounts: system people's mail is in their homes"
            )
        if back is None:
            if any(one is not None for one in (to, at, folder)):
                raise DeployError("say whose mailbox shall come back, with --data back=ADDRESS")
            return cls("List the archive", ("list",))
        problems: list[str] = []
        whose = _address("back", back, problems)
        whom = whose if to is None else _address("to", to, problems)
        if whom and whom not in mail.mailboxes:
            key = "back" if to is None else "to"
            other = "" if to else ", or say who else shall have it, with --data to=ADDRESS"
            problems.append(
                f"{key}: {whom} is none of mail.yaml's mailboxes; declare it first, and run deploys/mail.py{other}"
            )
        if at is not None and not _is_day(str(at)):
            problems.append(f"at: {at} is no day; write one that deploys/archive.py names, such as 2026-11-20")
        if folder is not None and (not str(folder).strip() or not str(folder).isprintable()):
            problems.append("folder: say a name, such as --data folder=Maria")
        if problems:
            raise DeployError("\n".join(problems))
        words = ("back", whose, whom, str(at or ""), str(folder or ""))
        return cls(f"Bring {whose} back{'' if whom == whose else f' to {whom}'}", words)


def _address(word: str, said: object, problems: list[str]) -> str:
    try:
        return names.mailbox_address(str(said))
    except ValueError as error:
        problems.append(f"{word}: {error}")
        return ""


def _is_day(text: str) -> bool:
    try:
        return bool(_DAY.fullmatch(text) and date.fromisoformat(text))
    except ValueError:
        return False


@deploy("Archive")
def deploy_archive(request: Request) -> None:
    """Do it, and print what became of it."""
    program(name=request.name, path=PROGRAM, words=request.words, seconds=SECONDS)
