"""The limits of sending: the program on the host, what it knows, and its unit. Same options in, same text out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from deploys.components.sending.options import SOCKET, limits
from deploys.config.mailserver import MailServer
from deploys.values.hardening import SHUT_IN
from operations.file import File

HERE = Path(__file__).parent
DIRECTORY = "/usr/local/lib/posthaus-sending"
UNIT = "posthaus-sending.service"
PACKAGE, MODULES = "deploys/components/sending", ("daemon.py", "notices.py")  # the modules as they lie here
_MAIN = """import sys
from pathlib import Path

from deploys.components.sending.daemon import main

sys.exit(main(sys.argv[1:], Path(__file__).resolve().parent))
"""
_UNIT = f"""# Written by Posthaus: the next run undoes changes made here.
[Unit]
Description=How much each login may send
Before=postfix.service

[Service]
ExecStart=/usr/bin/python3 -I -B {DIRECTORY} serve
DynamicUser=yes
# who has a mailbox is root's and Postfix's to read, and nobody else asks here
SupplementaryGroups=postfix
StateDirectory=posthaus-sending
StateDirectoryMode=0700
RuntimeDirectory={SOCKET.removeprefix("/run/").rpartition("/")[0]}
Restart=always
RestartSec=1
TimeoutStopSec=5
MemoryMax=128M
CapabilityBoundingSet=
PrivateTmp=yes
RestrictAddressFamilies=AF_UNIX AF_INET
{SHUT_IN}IPAddressDeny=any
IPAddressAllow=localhost
UMask=0077

[Install]
WantedBy=multi-user.target
"""


def configuration(mail: MailServer) -> dict[str, File]:
    """Every file below DIRECTORY."""
    known = json.dumps(settings(mail), ensure_ascii=False, indent=1) + "\n"
    return {
        "__main__.py": File(_MAIN),
        **{f"{PACKAGE}/{name}": File((HERE / name).read_text(encoding="utf-8")) for name in MODULES},
        "settings.json": File(known, "0640", group="postfix"),
    }


def settings(mail: MailServer) -> dict[str, Any]:
    """What the program knows: limits (of nobody in particular, and by login), and whom it tells."""
    directory = mail.directory
    return {
        "limit": limits(mail.sending),
        "own": {login: limits(mail.sending, one) for login, one in sorted(directory.own_sending.items())}
        | {directory.probe: None},
        "socket": SOCKET,
        "hostname": mail.hostname,
        "postmaster": directory.postmaster,
        "domain": directory.domains[0],
        "title": mail.webmail.title if mail.webmail else "Mail server",
    }


def units() -> dict[str, File]:
    """Files below /etc/systemd/system."""
    return {UNIT: File(_UNIT)}


def running() -> str:
    """A shell command that succeeds where Postfix is answered."""
    return f"timeout 10 runuser -u postfix -- /usr/bin/python3 -I -B {DIRECTORY} ask || exit 75"
