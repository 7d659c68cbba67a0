"""Addresses that were another person's when a backup was made: what it has of them is none of whoever has them now."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from deploys.values import archived

NOT_ALL = (
    "since this backup was made these have become other people's addresses: {people}; they would read the mail of those"
    " before them, so nothing was changed. Bring single mailboxes back (--data mailbox=ADDRESS), or take these out of"
    " mail.yaml first: with a run of deploys/mail.py they go to the archive. Where they are the same people:"
    " --data same=yes"
)
NOT_THIS = (
    "{address} was another person's on {at}, whose mailbox went to the archive on {day}; nothing was changed."
    " deploys/archive.py brings it back to whom you say. Where that is the same person: --data same=yes"
)


def since(plan: Mapping[str, Any], at: str) -> dict[str, str]:
    """By address, the day when somebody who had it went to the archive, where that was after the moment ``at`` (ISO
    8601, of the host's own zone)."""
    then = _moment(at)
    left = filter(None, map(archived.whose, sorted(Path(plan["archive"]).glob("*/*"))))
    return {address: archived.day(seconds) for address, seconds in left if seconds > then}


def served(plan: Mapping[str, Any], addresses: Mapping[str, str]) -> dict[str, str]:
    """Those of ``addresses`` who have a mailbox now."""
    there = {one: day for one, day in addresses.items() if Path(plan["store"], *reversed(one.rsplit("@", 1))).is_dir()}
    return dict(sorted(there.items()))


def _moment(at: str) -> float:
    zone = re.search(r"Z|[+-]\d\d:\d\d$", at)
    return datetime.fromisoformat(at[:19] + (zone[0] if zone else "").replace("Z", "+00:00")).timestamp()
