"""Backups, and what is brought back of them, on the host: for posthaus-backup.timer, and deploys/{backup,restore}.py.

``make``, ``list``, ``look``, ``restore``, ``mailbox``: by root. ``stage``, ``clear``, ``join``, ``interrupted``,
``beside``: what of it is done with mailboxes, by their owner. Runs under the host's own Python alone.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from deploys.components.backup.program import beside, homes, join, look, make, prove, restore, stage, swap
from deploys.components.backup.program.restic import Failed, Restic, plainly

PLAN = "plan.json"
LOCK = "/run/posthaus-backup.lock"
PASSWORD = (
    "This is the first one in this repository. Nobody can read it without the password, which lies on this host"
    " ({path}) and where you wrote it: keep it, and mail.yaml, in a second place that is not this host."
)
STATUS = "last.json"  # what is known of the last ones, in the plan's ``memory``


def main(home: Path, arguments: Sequence[str]) -> int:
    """``home``: where the plan lies. Returns the exit status."""
    plan: dict[str, Any] = json.loads((home / PLAN).read_text("utf-8"))
    word, *words = arguments or ("",)
    if word in OWNERS:
        return _done(OWNERS[word], plan, words)
    if word not in {**ROOTS, **LOOKS}:
        print(f"usage: posthaus-backup {' | '.join((*ROOTS, *LOOKS))}", file=sys.stderr)
        return 2
    os.umask(0o077)
    if word in LOOKS:
        return _done(LOOKS[word], plan, words)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # a connection that is lost stops nothing halfway
    with open(LOCK, "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("a backup or a restore is at work already; wait for it", file=sys.stderr)
            return 1
        return _done(ROOTS[word], plan, words)


def _done(
    what: Callable[[Mapping[str, Any], Sequence[str]], None], plan: Mapping[str, Any], words: Sequence[str]
) -> int:
    try:
        what(plan, words)
    except (Failed, OSError) as why:
        print(plainly(why), file=sys.stderr)
        return 1
    return 0


def tell(text: str) -> None:
    """To whoever waits, or has gone: what is begun goes on."""
    with contextlib.suppress(BrokenPipeError):
        print(text, flush=True)


def _restic(plan: Mapping[str, Any]) -> Restic:
    return Restic(plan["settings"], plan["password"], plan["cache"], plan["host"])


def _make(plan: Mapping[str, Any], words: Sequence[str]) -> None:
    known = remembered(plan)
    try:
        if "begin" in words and (told := swap.interrupted(plan, {one: {} for one in homes.logins(plan)})):
            tell(told)
        restic = _restic(plan)
        known["last"] = make.backup(plan, restic, tell, begin="begin" in words)
        known["failed"] = None
        remember(plan, known)
        if time.time() - known.get("checked", 0) > make.WEEK:
            make.check(restic)
            known["proved"] = prove.newest(plan, restic, int(time.strftime("%V")))
            known["checked"] = time.time()
    except Exception as why:
        known["failed"] = {"at": time.time(), "why": plainly(why)}
        raise
    finally:
        remember(plan, known)
    last = known["last"]
    tell(
        f"backup {last['snapshot'][:8]}: {last['mailboxes']:,} mailboxes, {last['messages']:,} messages,"
        f" {last['queued']:,} on their way; {look.size(last['bytes'])}, {look.size(last['added'])} of it new, in"
        f" {last['seconds']:,} s"
    )
    if last.pop("first", False):
        tell(PASSWORD.format(path=plan["password"]))


def remembered(plan: Mapping[str, Any]) -> dict[str, Any]:
    """What is known of the last backups; nothing where there is none that can be read."""
    try:
        known: dict[str, Any] = json.loads(Path(plan["memory"], STATUS).read_text("utf-8"))
        return known
    except (OSError, ValueError):
        return {}


def remember(plan: Mapping[str, Any], known: Mapping[str, Any]) -> None:
    """Whole or not at all."""
    where = Path(plan["memory"])
    where.mkdir(mode=0o700, parents=True, exist_ok=True)
    (where / f"{STATUS}.new").write_text(json.dumps(known), "utf-8")
    (where / f"{STATUS}.new").replace(where / STATUS)


def _list(plan: Mapping[str, Any], words: Sequence[str]) -> None:
    look.listed(plan, _restic(plan), tell, words[0] if words else "")


def _look(plan: Mapping[str, Any], words: Sequence[str]) -> None:
    address, at, folder = words
    look.foreseen(plan, _restic(plan), tell, address, at, folder)


def _restore(plan: Mapping[str, Any], words: Sequence[str]) -> None:
    at, newer, *same = words
    restore.whole(plan, _restic(plan), tell, at, newer == "keep", bool(same))


def _mailbox(plan: Mapping[str, Any], words: Sequence[str]) -> None:
    address, at, folder, *same = words
    restore.mailbox(plan, _restic(plan), tell, address, at, folder, bool(same))


def _stage(plan: Mapping[str, Any], words: Sequence[str]) -> None:
    print(json.dumps(stage.everything(Path(plan["store"]), Path(plan["mailboxes"]))))


def _clear(plan: Mapping[str, Any], words: Sequence[str]) -> None:
    if os.path.lexists(plan["mailboxes"]):
        shutil.rmtree(plan["mailboxes"])


def _join(plan: Mapping[str, Any], words: Sequence[str]) -> None:
    print(json.dumps(join.everything(Path(words[0]), Path(plan["store"]), Path(words[1]))))


def _interrupted(plan: Mapping[str, Any], words: Sequence[str]) -> None:
    print(json.dumps(join.interrupted(Path(plan["store"]), Path(words[0]))))


def _beside(plan: Mapping[str, Any], words: Sequence[str]) -> None:
    print(json.dumps(beside.put(Path(words[0]), Path(words[1]), words[2], words[3])))


ROOTS = {"make": _make, "restore": _restore, "mailbox": _mailbox}
LOOKS = {"list": _list, "look": _look}  # also while somebody else is at work
OWNERS = {"stage": _stage, "clear": _clear, "join": _join, "interrupted": _interrupted, "beside": _beside}
