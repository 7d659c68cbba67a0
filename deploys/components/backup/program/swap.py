"""What was fetched is put in place while services stand still: all of it, or, where that fails, nothing."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploys.components.backup.program import coming, held, make, state
from deploys.components.backup.program.restic import PATH, Failed

Plan = Mapping[str, Any]


@dataclass(frozen=True)
class Back:
    """What came back: numbers of ``mailboxes``, of messages that had come since and stay (``joined``), of those that
    are held in the queue, and paths of ``state``. ``former``: where that lies which was there before. ``stopped``:
    why not all services run again, if so."""

    mailboxes: int
    joined: int
    held: int
    state: list[str]
    former: list[Path | str]
    stopped: str


def swap(plan: Plan, saved: Iterable[str], homes: Path, staged: Path, people: Sequence[str] = ()) -> Back:
    """Put the mailboxes at ``homes`` in place, those of Unix users (``people``: logins) that were brought to theirs, of
    what is ``staged`` those paths that were ``saved`` and that this host has a use for, and the queue."""
    stamp = time.strftime("%Y-%m-%d-%H%M%S")
    former, mail_before = _former(plan, stamp)
    begun, memory = Path(plan["memory"], make.RESTORING), Path(plan["memory"], "held")
    begun.write_text(stamp, encoding="ascii")
    if standing := _systemctl("stop", *reversed(plan["units"])):  # whoever serves mail meanwhile would write into it
        _systemctl("start", *plan["units"])
        begun.unlink()
        raise Failed(f"not all services stop: {standing}")
    there: dict[str, bool] = {}
    waiting: dict[str, Path] = {}
    theirs: dict[str, dict[str, Any]] = {}
    try:
        for path in saved:
            if path in plan["state"] and os.path.lexists(staged / "state" / path.strip("/")):
                there[path] = os.path.lexists(path)
                _state(path, staged / "state", former)
        waiting = held.put(staged / "queue", Path(plan["spool"]), memory)
        for login in people:
            theirs[login] = coming.put(login, stamp)
        put = json.loads(make.as_owner(plan, "join", str(homes), str(mail_before)))
    except BaseException:
        for path, was in there.items():
            _undone(path, former, was)
        held.drop(waiting)
        coming.back(theirs, stamp)
        begun.unlink()
        raise
    finally:
        stopped = _systemctl("start", *plan["units"])
    held.remember(memory, waiting)
    begun.unlink()
    before: list[Path | str] = [one for one in (mail_before, former) if one.exists()]
    if homes_before := sum(told["before"] for told in theirs.values()):
        before.append(f"~/{coming.before(stamp)} of {homes_before} Unix user{'s' if homes_before > 1 else ''}")
    mailboxes = put["mailboxes"] + len(theirs)
    joined = put["messages"] + sum(told["messages"] for told in theirs.values())
    return Back(mailboxes, joined, len(waiting), list(there), before, stopped)


def interrupted(plan: Plan, people: coming.People) -> str:
    """Where a restore was killed while it put things in place, what became of that; nothing of what it had moved aside
    is left there alone, and services run again."""
    begun = Path(plan["memory"], make.RESTORING)
    if not begun.exists():
        return ""
    stamp = begun.read_text("ascii")
    former, mail_before = _former(plan, stamp)
    coming.interrupted(people, stamp)
    back = {"mailboxes": 0, "messages": 0}
    if mail_before.exists():
        back = json.loads(make.as_owner(plan, "interrupted", str(mail_before)))
    for path in plan["state"]:
        if not os.path.lexists(path):
            _undone(path, former, there=True)
    _systemctl("start", *plan["units"])
    return (
        f"a restore was interrupted here; mailboxes that it had only moved aside are back: {back['mailboxes']:,}"
        f" ({back['messages']:,} of their messages beside others that have come since)"
    )


def _former(plan: Plan, stamp: str) -> tuple[Path, Path]:
    """Where that goes which is there before: state, and mailboxes."""
    return Path(plan["memory"], f"before-{stamp}"), Path(plan["store"], f".before-{stamp}")


def _state(path: str, staged: Path, former: Path) -> None:
    if os.path.lexists(path):
        aside = former / path.strip("/")
        aside.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        state.move(Path(path), aside)
    os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
    part = Path(path).with_name(f".posthaus-new-{os.path.basename(path)}")  # it is there whole, or not at all
    state.remove(part)
    state.copy(staged / path.strip("/"), part)
    os.rename(part, path)


def _undone(path: str, former: Path, there: bool) -> None:
    """What there was before at ``path``, once more: nothing, where it was not ``there``."""
    aside = former / path.strip("/")
    if os.path.lexists(aside) or not there:
        state.remove(Path(path))
    if os.path.lexists(aside):
        state.move(aside, Path(path))


def _systemctl(word: str, *units: str) -> str:
    """What systemd complains of."""
    done = subprocess.run(["systemctl", word, "--", *units], capture_output=True, text=True, env={"PATH": PATH})
    return (done.stderr.strip().splitlines() or ["no reason given"])[-1] if done.returncode else ""
