"""Folders of others that people were let into: that goes to their papers when they leave, and comes back. By root."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from deploys.components.archive.program.entries import Ask, Entry, Failed
from deploys.components.archive.program.store import KEPT
from deploys.values.utf7 import decoded

RIGHTS = "rights.json"  # among the papers
MOST = 5  # folders that are named
Plan = Mapping[str, Any]


def taken(plan: Plan, ask: Ask, address: str, kept: Path, rights: Sequence[Any]) -> list[str]:
    """Take away ``rights`` (as rights.listed told them) to the papers in ``kept``. Written first: whenever this one
    dies, the next run goes on."""
    if not rights:
        return []
    known = _papers(kept)
    if new := [one for one in rights if one not in known and not _declared(plan, one["at"])]:
        file = kept / f"{RIGHTS}.new"
        file.write_text(json.dumps([*known, *new]), "utf-8")
        file.replace(kept / RIGHTS)
    ask("shut out", address)
    return [f"{address} is let no more into {_named(one['at'] for one in rights)}"]


def given(plan: Plan, ask: Ask, address: str, kept: Path) -> Iterator[str]:
    """Give them again, where the folders are still there."""
    rights = [one for one in _papers(kept) if not _declared(plan, one["at"])]
    try:
        gone = ask("let in", address, more=json.dumps(rights)) if rights else []
    except Failed as why:
        yield f"{address} is not let into {_named(one['at'] for one in rights)} ({why})"
        return
    (kept / RIGHTS).unlink(missing_ok=True)
    if there := [one["at"] for one in rights if one["at"] not in gone]:
        yield f"{address} is let in again: {_named(there)}"
    if gone:
        yield f"{address} was let into others, too, which are gone: {_named(gone)}"


def guests(plan: Plan, ask: Ask, one: Entry) -> list[str]:
    """Whom the owner of an archived mailbox had let in: others may have their addresses by now, so they stay out."""
    found: Mapping[str, Sequence[str]] = ask("guests", one.domain, one.name)
    return [f"{who} had been let into {_named(places)}, and is not now" for who, places in sorted(found.items())]


def _papers(kept: Path) -> list[Any]:
    try:
        known: list[Any] = json.loads((kept / RIGHTS).read_text("utf-8"))
        return known
    except FileNotFoundError:
        return []


def _declared(plan: Plan, at: str) -> bool:
    """Whether mail.yaml says who is let in there: then nobody else does."""
    try:
        lines = Path(plan["shared"]).read_text("utf-8").splitlines()
    except FileNotFoundError:
        return False
    return str(Path(plan["store"], at.partition("/Maildir")[0])) in {line.split(" ")[1] for line in lines}


def _named(places: Iterable[str]) -> str:
    """Folders, as people say them: ``Club of tito@example.com``."""
    found = []
    for place in places:
        home, _, folder = place.removeprefix(f"{KEPT}/").partition("/Maildir")
        domain, _, local = home.partition("/")
        whose = local.rpartition(".")[0] if place.startswith(f"{KEPT}/") else local
        found.append(f"{decoded(folder.removeprefix('/.').replace('.', '/')) or 'INBOX'} of {whose}@{domain}")
    return ", ".join(found[:MOST]) + (f" and {len(found) - MOST:,} more" if len(found) > MOST else "")
