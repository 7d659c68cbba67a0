"""What is in the archive: a directory for each, ``DOMAIN/LOCAL.TIME``, which only root may enter."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploys.values import archived

ABOUT = "about.json"  # written last: without it a run died before all was there
Ask = Callable[..., Any]  # has something done among mailboxes, as their owner


class Failed(Exception):
    """Why something could not be done, as an administrator is told."""


@dataclass(frozen=True)
class Entry:
    """One mailbox: whose it was, when it came here (seconds since the epoch), how many messages it holds; ``kept``: its
    directory."""

    address: str
    at: int
    messages: int
    kept: Path

    @property
    def domain(self) -> str:
        """Below which directory it lies, among mailboxes, too."""
        return self.kept.parent.name

    @property
    def name(self) -> str:
        """And under which name there."""
        return self.kept.name

    @property
    def day(self) -> str:
        """When it came here, as people say it."""
        return archived.day(self.at)


def entries(state: Path) -> list[Entry]:
    """All that are whole, the oldest first."""
    found = [_entry(path.parent) for path in state.glob(f"*/*/{ABOUT}")]
    return sorted((one for one in found if one), key=lambda one: (one.at, one.address))


def _entry(kept: Path) -> Entry | None:
    if not (named := archived.whose(kept)):
        return None
    address, since = named
    try:
        about: dict[str, Any] = json.loads((kept / ABOUT).read_text("utf-8"))
        return Entry(address, int(about.get("at", since)), int(about["messages"]), kept)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def begun(state: Path, address: str, now: float) -> Path:
    """The directory for ``address``: one that a run left unfinished, or a new one of ``now``."""
    local, _, domain = address.rpartition("@")
    there = [path for path in (state / domain).glob("*") if (named := archived.whose(path)) and named[0] == address]
    for path in there:
        if not (path / ABOUT).exists():
            return path
    while (kept := state / domain / archived.name(local, now)) in there:
        now += 1
    kept.mkdir(mode=0o700, parents=True)
    return kept


def ended(kept: Path, messages: int, at: float) -> None:
    """All of it is there since ``at``: from then on it is kept for as long as was declared, however long before a run
    had begun it that died."""
    new = kept / f"{ABOUT}.new"
    new.write_text(json.dumps({"messages": messages, "at": int(at)}), "utf-8")
    new.replace(kept / ABOUT)
