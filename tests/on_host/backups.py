"""What tests of backups share: settings, all that an IMAP client sees of a mailbox, and the page's commands."""

from __future__ import annotations

import hashlib
import imaplib
import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.mailhost import MailHost
from lab.pyinfra import Run
from tests.on_host.post import compose, mailbox
from tests.on_host.settings import IQBAL, TITO, example

TEAM = "team@example.com"
PAGE = (Path(__file__).parents[2] / "docs" / "backup.md").read_text(encoding="utf-8")
SECRET = "the password of the backups"
REPOSITORY = "/srv/backups"
PROGRAM = "python3 -I -B /usr/local/lib/posthaus-backup"
MANY = [f"keyword{number}" for number in range(30)]  # more than a Maildir has letters for


def declared(backup: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """The usual settings with a backup, and a mailbox that two people share."""
    usual = {"repository": REPOSITORY, "password": {"file": "backup.password"}, "keep": {"daily": 3}}
    settings = example(backup=usual | (backup or {}), **more)
    settings["mailboxes"] = settings["mailboxes"] | {TEAM: {"members": [TITO, IQBAL]}}
    return settings


def converge(host: MailHost, settings: dict[str, Any]) -> Run:
    host.site.mkdir(mode=0o700, parents=True, exist_ok=True)
    (host.site / "backup.password").write_text(f"{SECRET}\n")
    run = host.converge(settings)
    assert run.rc == 0, run.output
    return run


@dataclass(frozen=True)
class Folder:
    """All that an IMAP client can see of one; ``messages``: (flags, date, SHA-256) by UID."""

    validity: int
    next_uid: int
    messages: dict[int, tuple[frozenset[str], str, str]]


def filled(client: imaplib.IMAP4, names: tuple[str, ...], each: int, inbox: int) -> None:
    """Give Iqbal folders of these ``names`` with ``each`` messages, with flags and dates of their own, and his INBOX
    more. It is selected afterwards."""
    for name in names:
        client.create(f'"{name}"')
        client.subscribe(f'"{name}"')
        for number in range(each):
            flags = (None, r"(\Seen)", r"(\Flagged \Answered \Seen)", r"($Forwarded receipts)")[number % 4]
            client.append(f'"{name}"', flags, '"20-Nov-2025 10:11:12 +0100"', compose(IQBAL).as_bytes())
    for number in range(inbox):
        client.append("INBOX", r"(\Seen)" if number % 2 else None, None, compose(IQBAL, number * 300).as_bytes())
    client.select("INBOX")


def folders(client: imaplib.IMAP4) -> list[str]:
    lines = [line.decode() for line in client.list()[1] if isinstance(line, bytes)]
    there = [line for line in lines if not re.match(r"\([^)]*\\(noselect|nonexistent)", line, re.I)]
    return [re.sub(r'^.*"/" "?|"$', "", line) for line in there]


def seen(host: MailHost, login: str, password: str, but: str = "") -> dict[str, Folder]:
    """Every folder of ``login``, but those that begin with ``but``."""
    with mailbox(host, login, password) as client:
        names = [name for name in folders(client) if not but or not name.startswith(but)]
        return {name: _folder(client, name) for name in names}


def _folder(client: imaplib.IMAP4, name: str) -> Folder:
    client.select(f'"{name}"', readonly=True)
    validity, following = (int(client.response(word)[1][0]) for word in ("UIDVALIDITY", "UIDNEXT"))
    found = {}
    for answer in client.uid("FETCH", "1:*", "(FLAGS INTERNALDATE BODY.PEEK[])")[1]:
        if isinstance(answer, tuple):
            about = answer[0].decode()
            (uid,), (flags,), (date,) = (
                re.findall(pattern, about)
                for pattern in (r"UID (\d+)", r"FLAGS \(([^)]*)\)", r'INTERNALDATE "([^"]*)"')
            )
            kept = frozenset(flags.split()) - {"\\Recent"}
            found[int(uid)] = (kept, date, hashlib.sha256(answer[1]).hexdigest())
    return Folder(validity, following, found)


def bodies(found: dict[str, Folder]) -> set[str]:
    return {digest for folder in found.values() for _, _, digest in folder.messages.values()}


def as_written(host: MailHost, command: str, today: str = "") -> Run:
    """Run a command that stands in docs/backup.md, word for word, but for the day."""
    assert f"    pyinfra inventory.py {command}\n" in PAGE, command
    return host.pyinfra(*shlex.split(command.replace("2026-11-20", today)), "-y")
