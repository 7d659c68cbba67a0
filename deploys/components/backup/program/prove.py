"""Proof that a backup can be read back: each week one mailbox of it is, and is compared with the present one.

Nothing of it touches the disk, however large the mailbox is.
"""

from __future__ import annotations

import hashlib
import json
import tarfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from deploys.components.backup.program.restic import Failed, Restic
from deploys.components.backup.program.stage import PARTS, folders, unchanging

BLOCK = 1 << 20  # bytes


def newest(plan: Mapping[str, Any], restic: Restic, week: int) -> dict[str, Any]:
    """Read one mailbox of the newest backup, by the number of the week. Returns what is to be remembered of it.

    Failed says what is not as it was.
    """
    snapshot = restic.snapshots()[-1]
    counts: Mapping[str, int] = json.loads(restic.file(snapshot.id, f"{plan['staged']}/about.json"))["counts"]
    places = sorted(place for place, number in counts.items() if number and not place.startswith("."))
    told: dict[str, Any] = {"at": time.time(), "address": "", "messages": 0, "gone": 0}
    if not places:
        return told
    place = Path(places[week % len(places)])
    address = f"{place.name}@{place.parent}"
    with restic.stream("dump", "--no-lock", snapshot.id, f"{plan['mailboxes']}/{place}") as archive:
        same, gone = compared(archive, Path(plan["store"], place), address)
    if same + gone != counts[str(place)]:
        raise Failed(f"of {counts[str(place)]:,} messages of {address} the backup gives back {same + gone:,}")
    return {**told, "address": address, "messages": same, "gone": gone}


def compared(archive: IO[bytes], present: Path, address: str) -> tuple[int, int]:
    """Of the messages in ``archive`` (tar), how many are the same at ``present``, and how many are no longer there.

    Failed names one that is another.
    """
    places = (present / folder / part for folder in folders(present) for part in PARTS)
    known = {unchanging(path.name): path for place in places for path in place.glob("*")}
    same = gone = 0
    with tarfile.open(fileobj=archive, mode="r|") as found:
        for member in found:
            where = Path(member.name)
            if not member.isfile() or where.parent.name not in PARTS or not (content := found.extractfile(member)):
                continue
            digest = _digest(content)
            try:
                with open(known[unchanging(where.name)], "rb") as here:
                    if _digest(here) != digest:
                        raise Failed(f"a message of {address} came back from the backup as another: {where.name}")
                same += 1
            except (KeyError, FileNotFoundError):  # deleted, moved, or marked since
                gone += 1
    return same, gone


def _digest(file: IO[bytes]) -> bytes:
    made = hashlib.sha256()
    while block := file.read(BLOCK):
        made.update(block)
    return made.digest()
