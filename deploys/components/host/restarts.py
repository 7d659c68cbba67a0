"""What ends without being told to comes back by itself: drop-ins for units that lack that (systemd.service(5))."""

from __future__ import annotations

from collections.abc import Iterable

from operations.file import File

DROP_IN = "posthaus-restart.conf"
# Again and again: memory that is short now may be there in a minute. (The default gives up after five starts in ten
# seconds, which the default of a tenth of a second between them makes one.)
_TEXT = """\
# Written by Posthaus: the next run undoes changes made here. What the kernel ended for want of memory, or what died
# of a fault of its own, is started anew. What somebody stops with systemctl stays down.
[Unit]
StartLimitIntervalSec=0

[Service]
Restart=on-failure
RestartSec=2
# A restart is no restart while slow clients hold the old process: systemd would wait for a minute and a half.
TimeoutStopSec=10
"""


def drop_ins(units: Iterable[str]) -> dict[str, File]:
    """A file below /etc/systemd/system for each of ``units``."""
    return {f"{unit}.d/{DROP_IN}": File(_TEXT) for unit in units}
