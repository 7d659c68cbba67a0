"""The way into a host for a command that does not come by SSH."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

# What the engine's own exec gives a command.
ENVIRONMENT = ("HOME=/root", "container=docker", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
_processes: dict[str, int] = {}  # each container's process 1, as this machine counts


def way(container: Any, with_input: bool) -> list[str]:
    """The command line in front of a command that is to run as root in ``container`` (docker's).

    nsenter(1) where we are root on the engine's own machine, for tests do it some thousand times and the engine takes
    ten times as long; else the engine.
    """
    if pid := _process(container):
        return ["nsenter", "--target", str(pid), "--all", "env", "-i", *ENVIRONMENT]
    return ["docker", "exec", *(["-i"] if with_input else []), str(container.name)]


def _process(container: Any) -> int:
    """The number of the container's process 1; 0 where it is none of this machine's, or not to be entered."""
    if os.geteuid() != 0 or not shutil.which("nsenter"):
        return 0
    pid = _processes.get(container.id, 0)
    if not _is_in(pid, container.id):
        container.reload()
        pid = _processes[container.id] = int(container.attrs["State"]["Pid"])
    return pid if _is_in(pid, container.id) else 0


def _is_in(pid: int, container: str) -> bool:
    """Whether this process is the container's: the engine may run elsewhere, and a number may be given out again."""
    try:
        return container in Path(f"/proc/{pid}/cgroup").read_text()
    except OSError:
        return False
