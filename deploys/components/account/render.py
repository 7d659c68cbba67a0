"""The service of people's own passwords: its program and its units. Same options in, same text out."""

from __future__ import annotations

import inspect
from importlib import metadata
from pathlib import Path
from types import ModuleType

import zxcvbn

from deploys import shipping
from deploys.components.account import options, probe
from deploys.components.account.options import STATE, USER
from deploys.components.account.program import (
    account,
    conversation,
    main,
    pace,
    passwords,
    rows,
    sessions,
    settle,
    webmail,
)
from deploys.config.mailserver import MailServer
from deploys.probes.program import program as probing
from deploys.values import strength
from deploys.values.hardening import SHUT_IN
from operations.file import File
from operations.script import text

DIRECTORY = "/usr/local/lib/posthaus-account"
SOCKET = "posthaus-account.socket"
SERVICE = "posthaus-account@.service"
PATH = "posthaus-account-sessions.path"
ENDING = "posthaus-account-sessions.service"
PORT = 106  # of old: poppassd's, "3com-tsmux" in /etc/services
MODULES = (options, account, conversation, main, pace, passwords, rows, sessions, settle, strength, webmail)
_MAIN = """import sys

from deploys.components.account.program.main import main

sys.exit(main(sys.argv[1:]))
"""
_HEAD = "# Written by Posthaus: the next run undoes changes made here.\n"
_SOCKET = f"""{_HEAD}[Unit]
Description=People's own passwords, for the webmail

[Socket]
ListenStream=127.0.0.1:{PORT}
Accept=yes
MaxConnections=32
# Many at once is what MaxConnections is for; a socket that fails for good would shut everybody out.
TriggerLimitIntervalSec=0
PollLimitIntervalSec=0

[Install]
WantedBy=sockets.target
"""
_SERVICE = f"""{_HEAD}[Unit]
Description=One conversation about somebody's own password
CollectMode=inactive-or-failed

[Service]
Type=exec
ExecStart=/usr/bin/python3 -I -B {DIRECTORY}
User={USER}
Group={USER}
# who has a mailbox is root's and Dovecot's to read, and what lies in {STATE} Dovecot's
SupplementaryGroups=dovecot
StandardInput=socket
StandardOutput=journal
StandardError=journal
SyslogIdentifier=posthaus-account
RuntimeMaxSec=120
RuntimeDirectory={pace.DIRECTORY.removeprefix("/run/")}
RuntimeDirectoryMode=0700
RuntimeDirectoryPreserve=yes
ReadWritePaths={STATE}
CapabilityBoundingSet=
LimitCORE=0
PrivateNetwork=yes
PrivateTmp=yes
ProtectProc=invisible
RestrictAddressFamilies=AF_UNIX
{SHUT_IN}TasksMax=16
UMask=0027
"""
_PATH = f"""{_HEAD}[Unit]
Description=Whether somebody has a new password

[Path]
DirectoryNotEmpty={sessions.ENDING}

[Install]
WantedBy=paths.target
"""
_ENDING = f"""{_HEAD}[Unit]
Description=End the sessions that a former password has opened
StartLimitIntervalSec=0

[Service]
Type=oneshot
ExecStart=/usr/bin/python3 -I -B {DIRECTORY} sessions
SyslogIdentifier=posthaus-account
TimeoutStartSec=120
# root's own, for doveadm(1): Dovecot's processes are other users'
CapabilityBoundingSet=CAP_KILL CAP_DAC_OVERRIDE
LimitCORE=0
NoNewPrivileges=yes
PrivateDevices=yes
PrivateNetwork=yes
PrivateTmp=yes
ProtectHome=yes
ProtectSystem=strict
ReadWritePaths={pace.DIRECTORY}
RestrictAddressFamilies=AF_UNIX
UMask=0077
"""


def packages() -> tuple[str, ...]:
    """What hashes passwords."""
    return ("python3-argon2",)


def program() -> dict[str, File]:
    """Every file below DIRECTORY: the modules as they lie here, and the library that knows what anybody would guess,
    the very one that script/password asks (its licence comes along: MIT)."""
    own = shipping.sources(MODULES)
    log_out = {f"{sessions.__package__.replace('.', '/')}/{sessions.LOG_OUT.name}": File(text("sessions.sh"))}
    return {"__main__.py": File(_MAIN), **own, **log_out, **_library(zxcvbn)}


def _library(package: ModuleType) -> dict[str, File]:
    home, name = Path(inspect.getfile(package)).parent, package.__name__
    files = {f"{name}/{path.name}": File(path.read_bytes()) for path in sorted(home.glob("*.py"))}
    licence = [one for one in metadata.files(name) or () if one.name.upper().startswith("LICENSE")]
    return {**files, **{f"{name}/LICENSE": File(Path(str(one.locate())).read_bytes()) for one in licence}}


def units() -> dict[str, File]:
    """Files below /etc/systemd/system."""
    return {SOCKET: File(_SOCKET), SERVICE: File(_SERVICE), PATH: File(_PATH), ENDING: File(_ENDING)}


def running(mail: MailServer) -> str:
    """A shell command that succeeds where the service asks Dovecot, and is answered."""
    return probing(probe, port=PORT, address=mail.directory.probe)
