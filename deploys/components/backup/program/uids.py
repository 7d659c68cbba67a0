"""UIDs after a restore (RFC 9051, 2.3.1.1): each message keeps its own, and none is given out twice.

Messages that came after the backup are gone, but people's programs know them by their UIDs, and under UIDVALIDITY,
which stays, a UID means one message for ever. So the next one is beyond all that were given out since.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

LIST = "dovecot-uidlist"
BEYOND = 100_000  # of 4 thousand million: no folder gets so many between a backup and the loss of its host
_HEAD = re.compile(rb"\A3 (?=(?:\S+ )*?V(?P<validity>\d+))(?=(?:\S+ )*?N(?P<next>\d+))[^\n]*")
_NEXT = re.compile(rb"(?<= N)\d+")


def beyond(content: bytes, present: bytes = b"") -> bytes:
    """A folder's list of UIDs (version 3: ``3 V<validity> N<next> G<guid>``), the next of which is further on.

    ``present``: the list of the folder in whose place it comes. Where it has the same UIDVALIDITY, UIDs that it has
    given out are passed, too.
    """
    head, other = _HEAD.match(content), _HEAD.match(present)
    if not head:
        return content
    given = int(head["next"])
    if other and other["validity"] == head["validity"]:
        given = max(given, int(other["next"]))
    return _NEXT.sub(str(given + BEYOND).encode(), head[0], count=1) + content[head.end() :]


def of_another(content: bytes, validity: int) -> bytes:
    """The list for a copy of the folder, which is a folder of its own: with this UIDVALIDITY, and no GUID yet."""
    head = _HEAD.match(content)
    if not head:
        return b""
    return b"3 V%d N%s" % (validity, head["next"]) + content[head.end() :]


def lists(home: Path) -> Iterator[Path]:
    """Those of a mailbox."""
    yield from sorted(home.glob(f"Maildir/{LIST}"))
    yield from sorted(home.glob(f"Maildir/.*/{LIST}"))


def moved_on(home: Path, present: Path) -> None:
    """Of each folder of the mailbox at ``home``, which comes in the place of the one at ``present``."""
    for path in lists(home):
        other = present / path.relative_to(home)
        new = path.with_name(f".posthaus-new-{LIST}")
        new.write_bytes(beyond(path.read_bytes(), other.read_bytes() if os.path.exists(other) else b""))
        new.replace(path)
