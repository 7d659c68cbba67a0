"""What is brought back: all of a host, or one mailbox beside the present one. What was there before is kept."""

from __future__ import annotations

import grp
import json
import os
import pwd
import re
import shutil
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from deploys.components.backup.program import join, keywords, make, state
from deploys.components.backup.program.keywords import doveadm
from deploys.components.backup.program.restic import PATH, Failed, Restic, Snapshot, literally
from deploys.components.backup.program.stage import unchanging

Plan = Mapping[str, Any]
NEWEST = "newest"
MOST_NAMES = 5
HELD = "hold"  # the queue from which nothing leaves by itself


def chosen(found: Sequence[Snapshot], at: str) -> Snapshot:
    """The backup that ``at`` names: an ID or its beginning, or the last one that was begun on or before a day
    (``2026-11-20``) or a minute (``2026-11-20 14:30``); or NEWEST."""
    if not found:
        raise Failed("the repository holds no backup of this host")
    if at == NEWEST:
        return found[-1]
    if re.fullmatch(r"[0-9a-f]{8,64}", at):
        named = [one for one in found if one.id.startswith(at)]
        if len(named) == 1:
            return named[0]
        raise Failed(f"{at} is none of the backups; deploys/backup.py --data list=yes names them")
    until = [one for one in found if one.at[: len(at)].replace("T", " ") <= at]
    if not until:
        raise Failed(f"no backup is as old as {at}; the oldest is of {found[0].at[:10]}")
    return until[-1]


def whole(plan: Plan, restic: Restic, tell: make.Tell, at: str, keep_newer: bool) -> None:
    """Make the host what it was: all mailboxes, and all else that no run can make again.

    ``keep_newer``: mail that is here and not in the backup stays beside what comes back; without it, such mail stops
    the restore before anything changes.
    """
    restic.ready(make=False)
    snapshot = chosen(restic.snapshots(), at)
    about = json.loads(restic.file(snapshot.id, f"{plan['staged']}/about.json"))
    tell(f"backup {snapshot.id[:8]} of {snapshot.at[:16].replace('T', ' ')}: {about['messages']:,} messages")
    if not keep_newer:
        _refuse_newer(plan, restic, snapshot)
    stamp = time.strftime("%Y-%m-%d-%H%M%S")
    mail, rest = Path(plan["store"], ".restore"), Path(plan["memory"], "restore")
    former = Path(plan["memory"], f"before-{stamp}")
    try:
        _fetch(plan, restic, tell, snapshot, plan["mailboxes"], mail)
        _fetch(plan, restic, tell, snapshot, plan["staged"], rest)
        homes, staged = mail / plan["mailboxes"].strip("/"), rest / plan["staged"].strip("/")
        homes.mkdir(mode=0o700, parents=True, exist_ok=True)  # a host without any mail has none
        _owned(plan, mail)
        _systemctl("stop", *reversed(plan["units"]))
        try:
            put = json.loads(make.as_owner(plan, "join", str(homes), str(Path(plan["store"], f".before-{stamp}"))))
            _renumbered(staged / "state", about)
            back = _state(plan, about["state"], staged / "state", former)
            waiting = _queue(plan, staged / "queue")
        finally:
            _systemctl("start", *plan["units"])
    finally:
        for place in (mail, rest):
            if os.path.lexists(place):
                shutil.rmtree(place)
    Path(plan["memory"], "installation").write_text(snapshot.installation, encoding="ascii")
    _opened()
    keywords.put(about["keywords"])
    tell(f"mailboxes that are back: {put['mailboxes']:,}; messages that had come since and stay: {put['messages']:,}")
    tell(f"as they were: {', '.join(back)}")
    if missing := sorted(set(about["state"]) - set(back)):
        tell(f"not brought back, for mail.yaml has no use for it now: {', '.join(missing)}")
    if waiting:
        tell(f"on their way then, and held now, for they may have arrived since (postqueue -p): {waiting:,}")
    kept = [one for one in (Path(plan["store"], f".before-{stamp}"), former) if one.exists()]
    tell(f"what was here before lies in {' and '.join(map(str, kept))}" if kept else "nothing was here before")


def mailbox(plan: Plan, restic: Restic, tell: make.Tell, address: str, at: str, folder: str) -> None:
    """Bring one mailbox, or one ``folder`` of it, back beside the present one, as ``Restored <day>/…``."""
    restic.ready(make=False)
    snapshot = chosen(restic.snapshots(), at)
    local, _, domain = address.rpartition("@")
    source, mail = f"{plan['mailboxes']}/{domain}/{local}", Path(plan["store"], ".restore")
    present = Path(plan["store"], domain, local)
    if not (present / "Maildir").is_dir():
        raise Failed(f"{address} has no mailbox here that has ever been opened; log in once, or restore everything")
    name = f"Restored {snapshot.at[:10]}"
    try:
        _fetch(plan, restic, tell, snapshot, source, mail)
        if not (mail / source.strip("/")).exists():
            raise Failed(f"backup {snapshot.id[:8]} of {snapshot.at[:10]} has no mailbox {address}")
        _owned(plan, mail)
        put = json.loads(make.as_owner(plan, "beside", str(mail / source.strip("/")), str(present), name, folder))
    finally:
        if os.path.lexists(mail):
            shutil.rmtree(mail)
    if not put["folders"]:
        raise Failed(f"{address} had no folder {folder} on {snapshot.at[:10]}")
    doveadm("mailbox", "subscribe", "-u", address, *put["folders"])
    doveadm("quota", "recalc", "-u", address)
    tell(f"{address}: {put['messages']:,} messages of {snapshot.at[:16].replace('T', ' ')} are back, in:")
    for one in put["folders"]:
        tell(f"  {one}")


def _fetch(plan: Plan, restic: Restic, tell: make.Tell, snapshot: Snapshot, path: str, target: Path) -> None:
    if os.path.lexists(target):
        shutil.rmtree(target)
    target.mkdir(mode=0o700, parents=True)
    tell(f"fetching {path}")
    restic.said("restore", snapshot.id, "--target", str(target), "--include", literally(path))


def _owned(plan: Plan, mail: Path) -> None:
    """Mailboxes belong to whoever owns mail here, whatever number that was."""
    owner = pwd.getpwnam(plan["owner"])
    for where, directories, files in os.walk(mail):
        for name in (*directories, *files):
            os.chown(os.path.join(where, name), owner.pw_uid, owner.pw_gid, follow_symlinks=False)
    os.chown(mail, owner.pw_uid, owner.pw_gid)


def _renumbered(top: Path, about: Mapping[str, Any]) -> None:
    """Files belong to whom they belonged to by name: on another host the numbers are others'."""
    users = {int(number): name for number, name in about["users"].items()}
    groups = {int(number): name for number, name in about["groups"].items()}
    for where, directories, files in os.walk(top):
        for name in (*directories, *files):
            path = os.path.join(where, name)
            was = os.lstat(path)
            uid = _number(pwd.getpwnam, users.get(was.st_uid), was.st_uid, "pw_uid")
            gid = _number(grp.getgrnam, groups.get(was.st_gid), was.st_gid, "gr_gid")
            if (uid, gid) != (was.st_uid, was.st_gid):
                os.chown(path, uid, gid, follow_symlinks=False)


def _number(known: Any, name: str | None, number: int, field: str) -> int:
    try:
        return int(getattr(known(name), field)) if name else number
    except KeyError:
        return number


def _refuse_newer(plan: Plan, restic: Restic, snapshot: Snapshot) -> None:
    """Before anything is fetched, which may take hours."""
    store = Path(plan["store"])
    if not join.newer(frozenset(), store):
        return
    known = {unchanging(path.rpartition("/")[2]) for path in restic.names(snapshot.id, plan["mailboxes"])}
    if found := join.newer(known, store):
        names = ", ".join(f"{address} ({number:,})" for address, number in sorted(found.items())[:MOST_NAMES])
        more = f" and {len(found) - MOST_NAMES} more" if len(found) > MOST_NAMES else ""
        raise Failed(
            f"mailboxes here hold messages that the backup has not: {names}{more}; nothing was changed."
            " --data newer=keep restores, and leaves them beside what comes back"
        )


def _state(plan: Plan, saved: Iterable[str], staged: Path, former: Path) -> list[str]:
    """Put back what this host has a use for; what is there moves to ``former``. Returns the paths."""
    back = []
    for path in saved:
        if path not in plan["state"] or not os.path.lexists(staged / path.strip("/")):
            continue
        if os.path.lexists(path):
            aside = former / path.strip("/")
            aside.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            shutil.move(path, aside)
        os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
        state.copy(staged / path.strip("/"), Path(path))
        back.append(path)
    return back


def _queue(plan: Plan, staged: Path) -> int:
    """What was on its way then, put on hold; Postfix gives each its new queue ID when it starts (postsuper(1), -s)."""
    hold, names = Path(plan["spool"], HELD), os.listdir(staged) if staged.exists() else []
    owner = pwd.getpwnam("postfix")
    for name in names:
        new = hold / name
        if not new.exists():
            shutil.copyfile(staged / name, new)
            os.chown(new, owner.pw_uid, owner.pw_gid)
            os.chmod(new, 0o700)
    return len(names)


def _systemctl(word: str, *units: str) -> None:
    done = subprocess.run(["systemctl", word, "--", *units], capture_output=True, text=True, env={"PATH": PATH})
    if done.returncode and word == "start":
        why = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise Failed(f"not all services run again ({why}); pyinfra inventory.py deploys/mail.py starts them")


def _opened() -> None:
    """Have Dovecot count anew, and tell programs that each folder has changed since they last looked (RFC 7162).

    Its count of changes began anew with its indexes; the time of day is beyond whatever it was.
    """
    now = str(int(time.time()))
    listed = doveadm("-f", "tab", "mailbox", "list", "-A")
    for line in listed.splitlines()[1:]:
        user, _, name = line.partition("\t")
        if not name.startswith("shared/"):
            doveadm("mailbox", "update", "-u", user, "--min-highest-modseq", now, name)
    doveadm("quota", "recalc", "-A")
