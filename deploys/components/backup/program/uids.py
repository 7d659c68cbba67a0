"""UIDs after a restore (RFC 9051, 2.3.1.1): each message keeps its own, and none is given out twice.

Messages that came after the backup are gone, but people's programs know them by their UIDs, and under UIDVALIDITY,
which stays, a UID means one message for ever. So the next one is beyond all that were given out since.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

LIST = "dovecot-uidlist"
BEYOND = 100_000  # of 4 thousand million: no folder gets so many between a backup and the loss of its host
_HEAD = re.compile(rb"\A(3 (?:[A-Z]\S+ )*?N)(\d+)(?=[ \n])")


def beyond(content: bytes) -> bytes:
    """A folder's list of UIDs (version 3: ``3 V<validity> N<next> G<guid>``), the next of which is further on."""
    return _HEAD.sub(lambda told: told[1] + str(int(told[2]) + BEYOND).encode(), content, count=1)


def lists(home: Path) -> Iterator[Path]:
    """Those of a mailbox."""
    yield from sorted(home.glob(f"Maildir/{LIST}"))
    yield from sorted(home.glob(f"Maildir/.*/{LIST}"))


def moved_on(home: Path) -> None:
    """Of each folder of the mailbox at ``home``."""
    for path in lists(home):
        new = path.with_name(f".posthaus-new-{LIST}")
        new.write_bytes(beyond(path.read_bytes()))
        new.replace(path)
