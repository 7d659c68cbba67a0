"""Units and drop-ins around rspamd: its limits, Redis for it alone, and the milter that counts parts of messages."""

from __future__ import annotations

from deploys.components.rspamd.options import CONTROLLER_DIRECTORY, MILTER_DIRECTORY, MIME_SOCKET, Filter
from deploys.components.rspamd.render import DIRECTORY, HEAD, HERE, MIME_PROGRAM, REDIS, REDIS_SOCKET, USER
from deploys.config.addresses.options import Accounts
from deploys.render import template
from operations.file import File

REDIS_MEGABYTES = 64
# A message of more parts, or deeper, is refused before anybody takes it apart (docs/decisions/limits.md).
MIME = "posthaus-mime.service"
MIME_PARTS, MIME_DEPTH = 2000, 30
DROP_IN = "rspamd.service.d/posthaus.conf"
# It writes what it has learned and compiled, and two directories of sockets; it starts as the user that it stays.
SANDBOX = (
    "CapabilityBoundingSet=",
    "NoNewPrivileges=yes",
    "PrivateTmp=yes",
    "ProtectHome=yes",
    "ProtectSystem=strict",
    f"ReadWritePaths=/var/lib/rspamd -/var/log/rspamd -{CONTROLLER_DIRECTORY} -{MILTER_DIRECTORY}",
    "RestrictSUIDSGID=yes",
)
MEMORY = "768M"  # of all of rspamd; it needs some 130


def units(settings: Filter, accounts: Accounts = "virtual") -> dict[str, File]:
    """Redis as a unit of our own, the limits of messages, and those of rspamd."""
    units = {
        MIME: File(mime_unit()),
        DROP_IN: File(drop_in(accounts)),
    }
    if not settings.learn:
        return units
    text = template(
        HERE / "posthaus-redis.service.j2",
        socket=REDIS_SOCKET,
        runtime=REDIS,
        state=f"/var/lib/{REDIS}",
        memory=REDIS_MEGABYTES,
    )
    return {f"{REDIS}.service": File(text), **units}


def drop_in(accounts: Accounts) -> str:
    """What is ours about rspamd's unit: a limit of memory, a directory that Dovecot's processes may enter, and one that
    Postfix may.

    With system accounts Dovecot's run as each person, so all may enter.
    """
    group, mode = ("vmail", "0710") if accounts == "virtual" else ("root", "0711")
    made = (
        f"/usr/bin/install -d -o {USER} -g {group} -m {mode} {CONTROLLER_DIRECTORY}",
        f"/usr/bin/install -d -o {USER} -g postfix -m 0710 {MILTER_DIRECTORY}",
    )
    before = "".join(f"ExecStartPre=+{one}\n" for one in made)
    # What it was at when it is stopped, the sender tries again; it would wait half a minute for connections to end.
    return f"{HEAD}\n[Service]\n{before}MemoryMax={MEMORY}\nOOMPolicy=continue\nTimeoutStopSec=5\n"


def mime_unit() -> str:
    """The milter that looks at each message's parts, under a user of its own."""
    return template(
        HERE / "posthaus-mime.service.j2",
        program=f"{DIRECTORY}/{MIME_PROGRAM}",
        socket=MIME_SOCKET,
        runtime=MIME_SOCKET.removeprefix("/run/").rpartition("/")[0],
        parts=MIME_PARTS,
        depth=MIME_DEPTH,
    )


def mime_running() -> str:
    """A shell command that succeeds where the milter that counts parts answers."""
    asked = f"import socket; socket.socket(socket.AF_UNIX).connect('{MIME_SOCKET}')"
    return f'timeout 5 runuser -u postfix -- python3 -I -c "{asked}" || exit 75'
