"""The program with which a host looks after itself, its plan and its units. Same options in, same text out."""

from __future__ import annotations

from collections.abc import Iterable
from types import ModuleType
from typing import Any

from deploys import result, shipping
from deploys.components.component import Component, Context, Look
from deploys.components.watch.program import (
    amounts,
    archives,
    backups,
    certificates,
    clock,
    endpoints,
    exported,
    logins,
    looks,
    mailboxes,
    main,
    measures,
    packages,
    services,
    shell,
    space,
    spam,
    told,
    waiting,
)
from deploys.values import archived, refusals
from deploys.values.hardening import LOOKS_ONLY
from facts.machine import PROGRAMS
from facts.state import ROOT
from facts.watch import PROGRAM
from operations.file import File

STATE = f"{ROOT}/status"
SERVICE = "posthaus-watch.service"
TIMER = "posthaus-watch.timer"
SHOWN = (*PROGRAMS, "rspamd", "unbound")  # packages whose versions people ask for
MODULES: tuple[ModuleType, ...] = (
    result, refusals, amounts, archived, archives, backups, certificates, clock, endpoints, exported, logins, looks,
    mailboxes, main, measures, packages, services, shell, space, spam, told, waiting,
)  # fmt: skip
_HEAD = "# Written by Posthaus: the next run undoes changes made here.\n"
_SERVICE = f"""{_HEAD}[Unit]
Description=Tell the postmaster what got worse or was mended

[Service]
Type=oneshot
ExecStart=/usr/bin/python3 -I -B {PROGRAM} --mail
SyslogIdentifier=posthaus-watch
TimeoutStartSec=900
{LOOKS_ONLY}UMask=0077
"""
_TIMER = f"""{_HEAD}[Unit]
Description=Each morning, whether anything got worse or was mended

[Timer]
OnCalendar=*-*-* 06:10:00
RandomizedDelaySec=20min
Persistent=yes

[Install]
WantedBy=timers.target
"""


def program(context: Context) -> dict[str, File]:
    """Every file below PROGRAM: the modules as they lie here, and the plan."""
    return shipping.program(main, MODULES, plan(context))


def plan(context: Context) -> dict[str, Any]:
    """What to look at, and whom to tell; holds no secret."""
    mail = context.mail
    return {
        "host": mail.hostname,
        "sender": f"postmaster@{mail.domains[0]}",
        "recipient": mail.directory.postmaster,
        "state": STATE,
        "looks": [[one.kind, dict(one.about)] for one in looked_at(context.others)],
    }


def looked_at(parts: Iterable[Component]) -> list[Look]:
    """What every host looks at, made of what ``parts`` declare; and what each of them has of its own."""
    found = tuple(parts)
    units = [[one.unit, one.instance or ""] for part in found for one in part.services]
    packages_shown = sorted({name for part in found for name in part.packages} & set(SHOWN))
    paths = ["/", "/var", *sorted({one.path for part in found for one in part.state})]
    own = [look for part in found for look in part.looks]
    return [
        Look("services", {"units": units}),
        Look("libraries", {"units": units}),
        Look("versions", {"packages": packages_shown}),
        *own,
        Look("disks", {"paths": paths, "samples": f"{STATE}/disks.json"}),
    ]


def units() -> dict[str, File]:
    """Files below /etc/systemd/system."""
    return {SERVICE: File(_SERVICE), TIMER: File(_TIMER)}
