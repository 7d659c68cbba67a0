"""The program that makes backups, its plan, its secrets and its units. Same options in, same text out."""

from __future__ import annotations

import json
from collections.abc import Iterable
from types import ModuleType
from typing import Any

from deploys import shipping
from deploys.components.backup.options import STAGED, Backup
from deploys.components.backup.program import (
    beside,
    coming,
    fetch,
    held,
    homes,
    join,
    keywords,
    look,
    main,
    make,
    person,
    prove,
    restic,
    restore,
    stage,
    state,
    strangers,
    swap,
    uids,
)
from deploys.components.component import Component, Context
from deploys.components.dovecot.options import PEOPLES
from deploys.components.postfix.options import SPOOL
from deploys.config.addresses.options import Directory
from deploys.config.mailserver import MailServer
from deploys.values import archived, utf7
from deploys.values.hardening import LOOKS_ONLY
from facts.mailboxes import STORE
from facts.state import ARCHIVE, ROOT
from operations.file import File

PROGRAM = "/usr/local/lib/posthaus-backup"
SETTINGS = "/etc/posthaus-backup"  # only root may enter
MEMORY = f"{ROOT}/backup"
SERVICE, TIMER = "posthaus-backup.service", "posthaus-backup.timer"
MODULES: tuple[ModuleType, ...] = (
    archived, beside, coming, fetch, held, homes, join, keywords, look, main, make, person, prove, restic, restore,
    stage, state, strangers, swap, uids, utf7,
)  # fmt: skip
_HEAD = "# Written by Posthaus: the next run undoes changes made here.\n"
_SERVICE = f"""{_HEAD}[Unit]
Description=Back up all that no run can make again
After=network-online.target
Wants=network-online.target
# who looks after the host sees the failure, and writes to the postmaster
OnFailure=posthaus-watch.service

[Service]
Type=oneshot
ExecStart=/usr/bin/python3 -I -B {PROGRAM} make
SyslogIdentifier=posthaus-backup
TimeoutStartSec=23h
{LOOKS_ONLY}UMask=0077
"""


def program(context: Context) -> dict[str, File]:
    """Every file below PROGRAM: the modules as they lie here, and the plan, which holds no secret."""
    return shipping.program(main, MODULES, plan(context))


def plan(context: Context) -> dict[str, Any]:
    """What is kept, where it is staged, and who has to stop while it is brought back."""
    mail, backup = context.mail, _declared(context.mail)
    kept = sorted({one.path for part in context.others for one in part.state} - {STORE, SPOOL, *PEOPLES})
    return {
        "host": mail.hostname,
        "store": STORE,
        "archive": ARCHIVE,
        "owner": mail.vmail.name,
        "probe": mail.directory.probe,
        "people": _people(mail.directory),
        "mailboxes": f"{STORE}/{STAGED}",
        "state": kept,
        "written_by": [list(one.written_by) for part in context.others for one in part.state if one.written_by],
        "spool": SPOOL,
        "staged": f"{MEMORY}/staged",
        "memory": MEMORY,
        "cache": "/var/cache/posthaus-backup",
        "settings": SETTINGS,
        "password": backup.password_on_host or f"{SETTINGS}/password",
        "keep": backup.keep.model_dump(),
        "units": units_of(context.others),
    }


def _people(directory: Directory) -> dict[str, str]:
    """Unix users by address: of their homes only what belongs to their mail is kept, and nothing of their logins."""
    if directory.accounts == "virtual":
        return {}
    return {address: directory.login(address) for address in sorted(directory.mailboxes)}


def units_of(parts: Iterable[Component]) -> list[str]:
    """The units of those whose state it is, in the order in which they are started."""
    found = (service.unit for part in parts if part.state for service in part.services)
    return list(dict.fromkeys(found))


def _declared(mail: MailServer) -> Backup:
    if not mail.backup:
        raise ValueError("mail.yaml declares no backup")
    return mail.backup


def settings(mail: MailServer) -> dict[str, File]:
    """Every file below SETTINGS: secrets, and the mail.yaml that made the host."""
    backup = _declared(mail)
    environment = {name: one.get_secret_value() for name, one in sorted(backup.environment.items())}
    files = {
        "repository": backup.repository.get_secret_value() + "\n",
        "environment.json": json.dumps(environment) + "\n",
        **({"password": backup.password.get_secret_value() + "\n"} if backup.password else {}),
        **({"mail.yaml": mail.words} if mail.words else {}),
    }
    return {name: File(text, "0600") for name, text in files.items()}


def units(backup: Backup) -> dict[str, File]:
    """Files below /etc/systemd/system."""
    timer = f"""{_HEAD}[Unit]
Description=A backup each night

[Timer]
OnCalendar=*-*-* {backup.at}:00
RandomizedDelaySec=30min
FixedRandomDelay=yes
Persistent=yes

[Install]
WantedBy=timers.target
"""
    return {SERVICE: File(_SERVICE), TIMER: File(timer)}
