"""Backups and what is brought back of them, by the operator's word."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from pyinfra.api import deploy
from pyinfra.api.exceptions import DeployError

from deploys.asking import program
from deploys.components.backup.program.restore import NEWEST
from deploys.components.backup.render import PROGRAM
from deploys.config.mailserver import MailServer
from deploys.values import names

SECONDS = 24 * 3600
_AT = re.compile(r"\d{4}-\d\d-\d\d( \d\d:\d\d)?|[0-9a-f]{8,64}")


@dataclass(frozen=True)
class Request:
    """What the host's own program shall do: ``words``; ``name`` is what pyinfra prints."""

    name: str
    words: tuple[str, ...]

    @classmethod
    def of_backup(cls, mail: MailServer, listed: object, begin: object, mailbox: object = None) -> Request:
        """A backup now, or (``listed``) which there are, and what each has of ``mailbox``. DeployError says all
        that is wrong with what was said."""
        problems = _undeclared(mail) + _no_yes("list", listed) + _no_yes("begin", begin)
        if listed is not None and begin is not None:
            problems.append("list and begin are two runs; say one of them")
        if mailbox is not None and listed is None:
            problems.append("mailbox: goes with list=yes; a backup is always of all")
        address = _address(mailbox, problems)
        _refuse(problems)
        if listed is not None:
            return cls("List the backups", ("list", address) if address else ("list",))
        return cls("Back up", ("make",) if begin is None else ("make", "begin"))

    @classmethod
    def of_restore(
        cls,
        mail: MailServer,
        mailbox: object,
        at: object,
        folder: object,
        newer: object,
        look: object = None,
        same: object = None,
    ) -> Request:
        """All of the host, or one mailbox; or what that would do (``look``). ``same``: who left since and has the
        address again is the same person. DeployError says all that is wrong with what was said."""
        problems = _undeclared(mail) + _no_yes("look", look) + _no_yes("same", same)
        when = NEWEST if at is None else str(at)
        if at is not None and not _is_moment(when):
            problems.append(f"at: {when} is no day; write 2026-11-20, or '2026-11-20 14:30', or a backup's ID")
        if newer is not None and newer != "keep":
            problems.append("newer: say keep, and mail that the backup has not stays beside what comes back")
        address = _address(mailbox, problems)
        if mailbox is None and folder is not None:
            problems.append("folder: say whose, with --data mailbox=ADDRESS")
        if address and address not in mail.mailboxes and look is None:
            problems.append(f"mailbox: {mailbox} is none of mail.yaml's mailboxes")
        if mailbox is not None and newer is not None:
            problems.append("newer: is for a whole host; one mailbox comes back beside the present one")
        if folder is not None and not str(folder).strip("/ "):
            problems.append("folder: is empty; write its name, such as Work or Work/2026, or leave it out")
        _refuse(problems)
        if look is not None:
            return cls(f"Look at a restore as of {when}", ("look", address, when, str(folder or "")))
        told = () if same is None else ("same",)
        if mailbox is None:
            return cls(f"Restore all, as of {when}", ("restore", when, "keep" if newer else "refuse", *told))
        return cls(f"Bring back {address}, as of {when}", ("mailbox", address, when, str(folder or ""), *told))


def _address(mailbox: object, problems: list[str]) -> str:
    """As it is written everywhere; also of somebody who has left, whom mail.yaml does not know any more."""
    try:
        return "" if mailbox is None else names.mailbox_address(str(mailbox))
    except ValueError as error:
        problems.append(f"mailbox: {error}")
        return ""


def _undeclared(mail: MailServer) -> list[str]:
    return [] if mail.backup else ["mail.yaml declares no backup; docs/backup.md says how"]


def _no_yes(word: str, said: object) -> list[str]:
    return [] if said is None or str(said).lower() in ("yes", "true") else [f"{word}: say {word}=yes, or leave it out"]


def _is_moment(text: str) -> bool:
    """A backup's ID, or a day or a minute that there is."""
    if not _AT.fullmatch(text):
        return False
    try:
        return "-" not in text or bool(datetime.fromisoformat(text))
    except ValueError:
        return False


def _refuse(problems: list[str]) -> None:
    if problems:
        raise DeployError("\n".join(problems))


@deploy("Backup")
def deploy_request(request: Request) -> None:
    """Do it, and print how far it is, and what became of it."""
    program(name=request.name, path=PROGRAM, words=request.words, seconds=SECONDS)
