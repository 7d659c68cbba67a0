"""What a failed test's hosts have to say: a failure that comes once in many runs must be understood from its report."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterable, Iterator

from docker.errors import DockerException

from lab.errors import LabError
from lab.mailhost import MailHost

LINES = 60
# What the services said just now, what is not well, and whether host and machine had time and memory left.
SAID = f"""uptime; grep -E 'MemAvailable|SwapFree' /proc/meminfo; systemctl --failed --plain --no-legend
journalctl -q -o short-precise --no-hostname --since=-90s |
  grep -v "cannot resolve maps" | cut -c-300 | tail -n {LINES}"""


def sections(values: Iterable[object]) -> Iterator[tuple[str, str]]:
    """A heading and the last minute's lines for every host among a test's fixtures; hosts that are gone say nothing."""
    for host in {id(one): one for one in values if isinstance(one, MailHost)}.values():
        with contextlib.suppress(LabError, DockerException, OSError, subprocess.SubprocessError):
            yield f"what happened on {host.name}", host.run(SAID, check=False, timeout=20).stdout
