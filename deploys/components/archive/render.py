"""The program that keeps mailboxes that are gone, its plan and its units. Same options in, same text out."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from deploys import shipping
from deploys.components.account import options as account
from deploys.components.archive.options import STATE
from deploys.components.archive.program import (
    dotlock,
    entries,
    keeping,
    letting,
    main,
    person,
    rights,
    roundcube_user,
    store,
)
from deploys.components.dovecot.options import TOLD
from deploys.components.roundcube import options as roundcube
from deploys.components.squirrelmail import options as squirrelmail
from deploys.config.mailserver import MailServer
from deploys.values import archived, utf7
from deploys.values.hardening import LOOKS_ONLY
from facts.mailboxes import STORE
from facts.shared import MEMORY
from facts.state import LEAVING
from facts.stores import USERS
from operations.file import File

SERVICE, TIMER = "posthaus-archive.service", "posthaus-archive.timer"
MODULES: tuple[ModuleType, ...] = (
    archived, dotlock, entries, keeping, letting, main, person, rights, roundcube_user, store, utf7,
)  # fmt: skip
_HEAD = "# Written by Posthaus: the next run undoes changes made here.\n"
_SERVICE = f"""{_HEAD}[Unit]
Description=Delete archived mailboxes whose time is over

[Service]
Type=oneshot
ExecStart=/usr/bin/python3 -I -B {{program}} expire
SyslogIdentifier=posthaus-archive
TimeoutStartSec=6h
{LOOKS_ONLY}UMask=0077
"""
_TIMER = f"""{_HEAD}[Unit]
Description=Each night, whether the time of archived mailboxes is over

[Timer]
OnCalendar=*-*-* 04:40:00
RandomizedDelaySec=10min
Persistent=yes

[Install]
WantedBy=timers.target
"""


def program(mail: MailServer) -> dict[str, File]:
    """Every file below the program's directory: the modules as they lie here, and the plan, which holds no secret."""
    return shipping.program(main, MODULES, plan(mail))


def plan(mail: MailServer) -> dict[str, Any]:
    """Where everything of a person lies, and for how long it is kept (seconds; None: for ever)."""
    return {
        "store": STORE,
        "owner": mail.vmail.name,
        "state": STATE,
        "leaving": LEAVING,
        "users": USERS,
        "told": TOLD,
        "chosen": account.STATE,
        "passwords": {account.CHOSEN: 0, account.APPS: 1},
        "shared": MEMORY,
        "preferences": squirrelmail.PREFERENCES,
        "database": roundcube.DATABASE,
        "keeps": mail.archive,
    }


def units(mail: MailServer, program: str) -> dict[str, File]:
    """Files below /etc/systemd/system: none where nothing is ever deleted."""
    return {SERVICE: File(_SERVICE.format(program=program)), TIMER: File(_TIMER)} if mail.archive else {}
