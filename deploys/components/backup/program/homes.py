"""Unix users' mail in a backup (``accounts: system``): out of their homes what belongs to their mail, and nothing else.

Each mailbox is held fast as virtual ones are (stage.py), by its own user. The links lie beside the home, on the same
file system, in a directory that only root may enter; once they are there, their directories are root's, so that nobody
can exchange one for a link while restic reads them.
"""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deploys.components.backup.program import keywords, person
from deploys.components.backup.program.restic import PATH, Failed, plainly
from deploys.components.backup.program.stage import SHOWN, Taken, mailbox

Plan = Mapping[str, Any]
# Of a home: messages with Dovecot's lists and subscriptions, scripts, the active one, whom a vacation has answered.
OURS = frozenset({"Maildir", "sieve", ".dovecot.sieve", ".dovecot.lda-dupes"})
STAGED = ".posthaus-backup"
WHERE = "~/Maildir"


def logins(plan: Plan) -> list[str]:
    """The Unix users who have a mailbox."""
    return sorted(set(plan["people"].values()))


def beside(plan: Plan, login: str, name: str) -> Path:
    """Where root keeps ``name`` for somebody: beside the home where only root may write there, else in ``memory``."""
    parent = Path(os.path.realpath(person.known(login).pw_dir)).parent
    return (parent if all(map(_roots, (parent, *parent.parents))) else Path(plan["memory"])) / name


def _roots(directory: Path) -> bool:
    try:
        about = directory.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(about.st_mode) and about.st_uid == 0 and not about.st_mode & 0o022


def tops(plan: Plan) -> list[str]:
    """Where those lie that are staged."""
    found = {str(place) for login in logins(plan) if (place := _place(plan, login))}
    return sorted(one for one in found if os.path.isdir(one))


def _place(plan: Plan, login: str) -> Path | None:
    try:
        return beside(plan, login, STAGED)
    except Failed:
        return None


def clear(plan: Plan) -> None:
    """Take away what was staged."""
    for top in tops(plan):
        shutil.rmtree(top)


def stage(plan: Plan) -> dict[str, Any]:
    """Stage the mail of all. Returns what stage.everything does, but ``people`` for its counts: where each one's lies,
    and how many ``messages``. Somebody's mail that cannot be kept is ``unreadable``, and keeps nobody else's back."""
    if plan["people"] and (elsewhere := _elsewhere()):
        raise Failed(f"Dovecot keeps Unix users' mail in {elsewhere}; a backup knows {WHERE} alone (local.conf?)")
    people: dict[str, dict[str, Any]] = {}
    copied, unread = 0, []
    for login in logins(plan):
        try:
            target = beside(plan, login, STAGED) / login
            target.parent.mkdir(mode=0o700, exist_ok=True)
            told = _staged(login, target)
        except (Failed, OSError) as why:
            unread.append(person.shown(plainly(why)))
            continue
        people[login] = {"at": str(target), "messages": told["messages"]}
        copied += told["copied"]
        unread += map(person.shown, told["unread"])
    return {
        "mailboxes": len(people),
        "messages": sum(one["messages"] for one in people.values()),
        "copied": copied,
        "unreadable": len(unread),
        "unread": unread[:SHOWN],
        "people": people,
    }


def _elsewhere() -> str:
    """Where Dovecot keeps mail, if that is another place than ours."""
    for setting in ("mail_path", "mail_location"):  # 2.4, 2.3
        told = subprocess.run(["doveconf", "-h", setting], capture_output=True, text=True, env={"PATH": PATH})
        if place := told.stdout.strip() if not told.returncode else "":
            return "" if place.removeprefix("maildir:").partition(":")[0] == WHERE else place
    return ""


def _staged(login: str, target: Path) -> dict[str, Any]:
    one = person.known(login)
    target.mkdir(mode=0o700)
    os.chown(target, one.pw_uid, one.pw_gid)

    def stage() -> dict[str, Any]:
        taken = Taken()
        mailbox(Path(one.pw_dir), Path(), taken, OURS)
        return {"messages": taken.messages, "copied": taken.copied, "unread": list(taken.unread)}

    try:
        told: dict[str, Any] = person.run(login, stage, target)
        _sealed(target)
    except Failed:
        shutil.rmtree(target)
        raise
    return told


def _sealed(place: Path) -> None:
    """From now on root alone can change what is where; files are their users' own, for they are links to them."""
    for _, _, _, directory in os.fwalk(place, follow_symlinks=False):
        os.fchown(directory, 0, 0)
        os.fchmod(directory, 0o700)


def keywords_of(people: Mapping[str, Mapping[str, Any]]) -> keywords.Found:
    """Those of the messages that are staged, by login. Whoever's cannot be asked for has none."""
    found: keywords.Found = {}
    for login, one in people.items():
        try:
            if others := keywords.of(login, Path(one["at"])):
                found[login] = others
        except (OSError, ValueError):  # a folder that has no name anybody could say
            continue
    return found


def with_people(told: Mapping[str, Any], people: Mapping[str, Any]) -> dict[str, Any]:
    """What was staged of virtual mailboxes and of Unix users', together."""
    sums = {name: told[name] + people[name] for name in ("mailboxes", "messages", "copied", "unreadable")}
    return {**told, **sums, "unread": [*told["unread"], *people["unread"]][:SHOWN], "people": people["people"]}
