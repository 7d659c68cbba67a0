"""How what people's Sieve scripts send reaches Postfix: as theirs. Same options in, same text out.

Pigeonhole sends by a program, with any From that the script says. That program hands the message to a service (one
process a message), which knows by the kernel whose it is, and speaks to an smtpd of its own.
"""

from __future__ import annotations

from pathlib import Path

from deploys.config.addresses.options import Accounts
from operations.file import File

HERE = Path(__file__).parent
DIRECTORY = "/etc/dovecot/sieve"
SUBMIT = f"{DIRECTORY}/submit"
BEFORE = f"{DIRECTORY}/before.sieve"
SOCKET = "posthaus-sieve.socket"
LISTENS = "/run/posthaus-sieve/socket"
REDIRECTS = 32  # as many as a script may have actions of any kind
PROTECTED_HEADERS = (
    "From",
    "Sender",
    "Resent-From",
    "Resent-Sender",
    "Authentication-Results",
    "DKIM-Signature",
    "X-Sieve",
    "X-Sieve-Redirected-From",
    "X-Spam",
)
_SOCKET = """# Written by Posthaus: the next run undoes changes made here.
[Unit]
Description=What people's Sieve scripts send

[Socket]
ListenStream={listens}
SocketUser={user}
SocketMode={mode}
Accept=yes
MaxConnections=32

[Install]
WantedBy=sockets.target
"""
_SERVICE = f"""# Written by Posthaus: the next run undoes changes made here.
[Unit]
Description=Hand a message of a Sieve script to Postfix
CollectMode=inactive-or-failed

[Service]
ExecStart=/usr/bin/python3 -I -B {DIRECTORY}/service.py
User=postfix
StandardInput=socket
StandardOutput=journal
StandardError=journal
SyslogIdentifier=posthaus-sieve
TimeoutStopSec=10
RuntimeMaxSec=300
NoNewPrivileges=yes
PrivateDevices=yes
PrivateNetwork=yes
PrivateTmp=yes
ProtectHome=yes
ProtectSystem=strict
RestrictAddressFamilies=AF_UNIX
UMask=0077
"""


def programs() -> dict[str, File]:
    """Files below /etc/dovecot."""
    return {
        "sieve/before.sieve": File((HERE / "before.sieve").read_text(encoding="utf-8")),
        "sieve/submit": File((HERE / "submit.py").read_text(encoding="utf-8"), "0755"),
        "sieve/service.py": File((HERE / "service.py").read_text(encoding="utf-8")),
    }


def units(accounts: Accounts, owner: str) -> dict[str, File]:
    """Files below /etc/systemd/system. ``owner`` has all mailboxes; with system accounts each person connects."""
    user, mode = (owner, "0600") if accounts == "virtual" else ("root", "0666")
    return {
        SOCKET: File(_SOCKET.format(listens=LISTENS, user=user, mode=mode)),
        "posthaus-sieve@.service": File(_SERVICE),
    }


def running() -> str:
    """A shell command that succeeds where the socket is there."""
    return f"test -S {LISTENS} || exit 75"
