"""Backups and what is brought back of them, by the operator's word."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pyinfra.api import deploy
from pyinfra.api.exceptions import DeployError

from deploys.asking import program
from deploys.components.backup.program.restore import NEWEST
from deploys.components.backup.render import PROGRAM
from deploys.config.mailserver import MailServer

SECONDS = 24 * 3600
_AT = re.compile(r"\d{4}-\d\d-\d\d( \d\d:\d\d)?|[0-9a-f]{8,64}")


@dataclass(frozen=True)
class Request:
    """What the host's own program shall do: ``words``; ``name`` is what pyinfra prints."""

    name: str
    words: tuple[str, ...]

    @classmethod
    def of_backup(cls, mail: MailServer, listed: object, begin: object) -> Request:
        """A backup now, or (``listed``) which there are. DeployError says what is wrong with what was said."""
        _declared(mail)
        if listed is not None:
            return cls("List the backups", ("list",))
        return cls("Back up", ("make", "begin") if _yes("begin", begin) else ("make",))

    @classmethod
    def of_restore(cls, mail: MailServer, mailbox: object, at: object, folder: object, newer: object) -> Request:
        """All of the host, or one mailbox. DeployError says what is wrong with what was said."""
        _declared(mail)
        when = NEWEST if at is None else str(at)
        if at is not None and not _AT.fullmatch(when):
            raise DeployError(f"at: {when} is no day; write 2026-11-20, or '2026-11-20 14:30', or a backup's ID")
        if newer is not None and newer != "keep":
            raise DeployError("newer: say keep, and mail that the backup has not stays beside what comes back")
        if mailbox is None:
            if folder is not None:
                raise DeployError("folder: say whose, with --data mailbox=ADDRESS")
            return cls(f"Restore all, as of {when}", ("restore", when, "keep" if newer else "refuse"))
        address = str(mailbox).lower()
        if address not in mail.mailboxes:
            raise DeployError(f"mailbox: {mailbox} is none of mail.yaml's mailboxes")
        return cls(f"Bring back {address}, as of {when}", ("mailbox", address, when, str(folder or "")))


def _declared(mail: MailServer) -> None:
    if not mail.backup:
        raise DeployError("mail.yaml declares no backup; docs/backup.md says how")


def _yes(word: str, said: object) -> bool:
    if said is not None and str(said).lower() not in ("yes", "true"):
        raise DeployError(f"{word}: say {word}=yes")
    return said is not None


@deploy("Backup")
def deploy_request(request: Request) -> None:
    """Do it, and print how far it is, and what became of it."""
    program(name=request.name, path=PROGRAM, words=request.words, seconds=SECONDS)
