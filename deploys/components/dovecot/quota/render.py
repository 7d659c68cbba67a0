"""Warnings about mailboxes that fill up. Same options in, same text out."""

from __future__ import annotations

import json
from pathlib import Path

from deploys.components.squirrelmail.options import address
from deploys.config.mailserver import MailServer
from operations.file import File

HERE = Path(__file__).parent
WARNING = "/etc/dovecot/quota/warning"


def files(mail: MailServer) -> dict[str, File]:
    """Files below /etc/dovecot."""
    return {
        "quota/warning": File((HERE / "warning.py").read_text(encoding="utf-8"), "0755"),
        "quota/words.json": File(json.dumps(words(mail), ensure_ascii=False, indent=1) + "\n"),
    }


def words(mail: MailServer) -> dict[str, str]:
    """What a warning says of whoever runs the server: where people read mail, and whom they ask for more room."""
    directory, webmail = mail.directory, mail.webmail or None
    reader = directory.mailboxes.get(directory.postmaster)
    return {
        "title": webmail.title if webmail else "Mail server",
        "open": f"{address(webmail)}/ (the webmail), or your mail program" if webmail else "your mail program",
        "who": f"{reader.name} <{directory.postmaster}>" if reader and reader.name else directory.postmaster,
        "domain": directory.domains[0],
    }
