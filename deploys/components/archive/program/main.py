"""The archive of mailboxes that are gone, on the host: for runs, deploys/archive.py and posthaus-archive.timer.

``run``, ``rename``, ``list``, ``back``, ``expire``: by root. The others are what of it is done among mailboxes, by
their owner. Runs under the host's own Python alone.
"""

from __future__ import annotations

import fcntl
import json
import os
import pwd
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from deploys.components.archive.program import keeping, rights, store
from deploys.components.archive.program.entries import Ask, Failed

PLAN = "plan.json"
LOCK = "/run/posthaus-archive.lock"


def main(home: Path, arguments: Sequence[str]) -> int:
    """``home``: where the plan lies. Returns the exit status."""
    plan: dict[str, Any] = json.loads((home / PLAN).read_text("utf-8"))
    word, *words = arguments or ("",)
    if word in OWNERS:
        told = [sys.stdin.read()] if word in READERS else []
        print(json.dumps(OWNERS[word](Path(plan["store"]), *words, *told)))
        return 0
    if word not in ROOTS:
        print(f"usage: posthaus-archive {' | '.join(ROOTS)}", file=sys.stderr)
        return 2
    os.umask(0o077)
    with open(LOCK, "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            for line in ROOTS[word](plan, as_owner(plan), *words):
                print(line, flush=True)
        except (Failed, OSError) as why:
            print(why, file=sys.stderr)
            return 1
    return 0


def as_owner(plan: Mapping[str, Any]) -> Ask:
    """Have this program do something among mailboxes as their owner. Raises Failed."""
    owner = pwd.getpwnam(plan["owner"])

    def ask(*words: str, more: str = "") -> Any:
        done = subprocess.run(
            [sys.executable, "-I", "-B", sys.argv[0], *words],
            user=owner.pw_uid, group=owner.pw_gid, extra_groups=[], umask=0o077, cwd="/",
            input=more, capture_output=True, text=True,
        )  # fmt: skip
        if done.returncode:
            raise Failed(f"mailboxes: {(done.stderr.strip().splitlines() or ['no reason given'])[-1]}")
        return json.loads(done.stdout)

    return ask


def _told(plan: Mapping[str, Any], ask: Ask) -> list[str]:
    return keeping.run(plan, ask, sys.stdin.read().splitlines())


ROOTS: Mapping[str, Any] = {
    "run": _told,
    "rename": keeping.handed_over,
    "list": keeping.listed,
    "back": keeping.back,
    "expire": keeping.expired,
}
OWNERS: Mapping[str, Any] = {
    "move": store.moved,
    "unlink": store.unlinked,
    "place": store.back,
    "there": lambda where, domain, entry: store.place(where, domain, entry).is_dir(),
    "holds": lambda where, domain, local: store.holds(where / domain / local),
    "delete": store.deleted,
    "rights": rights.listed,
    "guests": rights.of_guests,
    "shut out": rights.taken,
    "let in": rights.given,
    "hand over": rights.renamed,
}
READERS = ("let in", "hand over")  # what may be longer than a line of arguments comes on stdin
