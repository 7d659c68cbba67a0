"""Whoever is logged in with a password that counts no more is logged out. Runs on the host."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path

from deploys.components.account.program import rows
from deploys.components.account.program.pace import DIRECTORY

ENDING = f"{DIRECTORY}/ending"  # an empty file for each mailbox, by its address in hex; a unit of root's looks there
LOG_OUT = Path(__file__).with_name("sessions.sh")
_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
_PATIENCE = 3  # seconds: the page that has just changed a password may be at work still


def end(address: str) -> None:
    """Have the sessions of ``address`` ended; the service itself may not, root does it at once."""
    if os.geteuid() == 0:  # a directory of root's making would be shut to the service
        kick([address])
        return
    os.makedirs(ENDING, 0o700, exist_ok=True)
    with open(f"{ENDING}/{address.encode().hex()}", "w", encoding="utf-8"):
        pass


def end_asked() -> None:
    """As root: end those that were asked for. A name that is no mailbox's is forgotten."""
    time.sleep(_PATIENCE)
    directory = os.open(ENDING, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    names = os.listdir(directory)
    for name in names:
        os.unlink(name, dir_fd=directory)
    os.close(directory)
    declared = {address.encode().hex(): address for address in rows.declared()}
    kick(declared[name] for name in names if name in declared)


def kick(addresses: Iterable[str]) -> None:
    """As root: end the sessions of these mailboxes, as runs do (operations/sessions.sh). That somebody has none is no
    error."""
    script = f'. {LOG_OUT}; log_out "$@"'
    subprocess.run(["/bin/sh", "-c", script, "sh", *addresses], check=True, timeout=300, env={"PATH": _PATH})
