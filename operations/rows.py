"""Of a long file of rows only those that change: the others are taken from the file that lies on the host.

The host tells the hash of each block of its rows; a block that stands anywhere in the new file is named, not sent.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from facts.blocks import DIGITS, ROWS

LONG = 1 << 16  # bytes: shorter files travel whole
MOST_NEW = 20_000  # rows; a file with more is another file


def difference(new: bytes, blocks: Sequence[str]) -> bytes | None:
    """How to make ``new`` of the old file: a line ``=FIRST LAST`` for rows of the old one (from 1), ``+ROW`` for a new
    one. ``blocks``: the hashes of the old file's blocks of ROWS rows. None: ``new`` is better sent whole."""
    if not new.endswith(b"\n") or not blocks:
        return None
    rows = new[:-1].split(b"\n")
    known = {block: number for number, block in reversed(list(enumerate(blocks)))}
    told: list[bytes] = []
    at = fresh = 0
    while at < len(rows):
        number = known.get(_hash(rows[at : at + ROWS]))
        if number is not None:
            told.append(b"=%d %d" % (number * ROWS + 1, number * ROWS + len(rows[at : at + ROWS])))
            at += ROWS
            continue
        told.append(b"+" + rows[at])
        at, fresh = at + 1, fresh + 1
        if fresh > MOST_NEW:
            return None
    return b"".join(line + b"\n" for line in told)


def _hash(rows: Sequence[bytes]) -> str:
    return hashlib.sha256(b"".join(row + b"\n" for row in rows)).hexdigest()[:DIGITS]
