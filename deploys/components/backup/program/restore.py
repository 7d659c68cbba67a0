"""What is brought back: all of a host, or one mailbox beside the present one. What was there before is kept."""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from deploys.components.backup.program import coming, fetch, join, keywords, make, person, strangers, swap
from deploys.components.backup.program.keywords import doveadm
from deploys.components.backup.program.restic import Failed, Restic, Snapshot, plainly
from deploys.components.backup.program.stage import unchanging

Plan = Mapping[str, Any]
NEWEST = "newest"
MOST_NAMES = 5
KEEP = "--data newer=keep restores, and leaves them beside what comes back"


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


def whole(plan: Plan, restic: Restic, tell: make.Tell, at: str, keep_newer: bool, same: bool) -> None:
    """Make the host what it was: all mailboxes, and all else that no run can make again.

    ``keep_newer``: mail that is here and not in the backup stays beside what comes back; without it, such mail stops
    the restore before anything changes. ``same``: whoever has an address of somebody in the archive is the same person.
    """
    restic.ready(make=False)
    restic.unlock()
    snapshot = chosen(restic.snapshots(), at)
    about = contents(plan, restic, snapshot)
    tell(f"backup {snapshot.id[:8]} of {snapshot.moment}: {about['messages']:,} messages")
    if not same and (others := strangers.served(plan, strangers.since(plan, snapshot.at))):
        raise Failed(strangers.NOT_ALL.format(people=", ".join(f"{who} (since {day})" for who, day in others.items())))
    people = about.get("people", {})
    coming.ready(people)
    if told := swap.interrupted(plan, people):
        tell(told)
    if not keep_newer:
        _refuse_newer(plan, restic, snapshot, people)
    with (
        _fetched(plan, restic, tell, snapshot, plan["mailboxes"], plan["staged"]) as (homes, staged),
        coming.fetched(plan, restic, tell, snapshot, people) as theirs,
        coming.brought(theirs) as logins,
    ):
        homes.mkdir(mode=0o700, parents=True, exist_ok=True)  # a host without any mail has none
        fetch.owned(plan["owner"], _mail(plan))
        fetch.renumbered(staged / "state", about)
        if refused := fetch.unreadable(staged / "state"):
            tell(f"left in the backup, for the older programs of this host cannot read it: {', '.join(refused)}")
        back = swap.swap(plan, about["state"], homes, staged, logins)
    Path(plan["memory"], "installation").write_text(snapshot.installation, encoding="ascii")
    _opened(people)
    keywords.put(about["keywords"])
    _told(tell, about, back)
    if people and (shut := coming.shut(people, Path("/etc/shadow").read_text("utf-8"))):
        tell(f"no Unix password yet, and mail.yaml has none, of {', '.join(shut)}: passwd NAME sets one")


def _told(tell: make.Tell, about: Mapping[str, Any], back: swap.Back) -> None:
    tell(f"mailboxes that are back: {back.mailboxes:,}; messages that had come since and stay: {back.joined:,}")
    tell(f"as they were: {', '.join(back.state)}")
    if missing := sorted(set(about["state"]) - set(back.state)):
        tell(f"not brought back, for mail.yaml has no use for it now: {', '.join(missing)}")
    if back.held:
        tell(f"on their way then, and held now, for they may have arrived since (postqueue -p): {back.held:,}")
    kept = " and ".join(map(str, back.former))
    tell(f"what was here before lies in {kept}" if kept else "nothing was here before")
    if back.stopped:
        raise Failed(
            f"all is back, but not all services run ({back.stopped}); pyinfra inventory.py deploys/mail.py starts them"
        )


def mailbox(plan: Plan, restic: Restic, tell: make.Tell, address: str, at: str, folder: str, same: bool) -> None:
    """Bring one mailbox, or one ``folder`` of it, back beside the present one, as ``Restored <day>/…``. ``same``: as
    of ``whole``."""
    restic.ready(make=False)
    restic.unlock()
    snapshot = chosen(restic.snapshots(), at)
    login = plan["people"].get(address, address)
    if not (coming.opened(login) if address in plan["people"] else (_present(plan, address) / "Maildir").is_dir()):
        raise Failed(f"{address} has no mailbox here that has ever been opened; log in once, or restore everything")
    if not same and (day := strangers.since(plan, snapshot.at).get(address)):
        raise Failed(strangers.NOT_THIS.format(address=address, at=snapshot.at[:10], day=day))
    about = contents(plan, restic, snapshot)
    back = _persons if address in plan["people"] else _virtual
    put = back(plan, restic, tell, snapshot, address, folder, about)
    if not put["folders"]:
        raise Failed(f"{address} had no folder {folder} on {snapshot.at[:10]}; there were {', '.join(put['there'])}")
    doveadm("mailbox", "subscribe", "-u", login, *put["folders"].values())
    known = about["keywords"].get(login, {})
    keywords.put({login: {new: known[old] for old, new in put["folders"].items() if old in known}})
    doveadm("quota", "recalc", "-u", login)
    tell(f"{address}: {put['messages']:,} messages of {snapshot.moment} are back, in:")
    for old, new in put["folders"].items():
        tell(person.shown(f"  {new}" if new.endswith(old) else f"  {new}, which was {old}"))


def _present(plan: Plan, address: str) -> Path:
    local, _, domain = address.rpartition("@")
    return Path(plan["store"], domain, local)


def _virtual(
    plan: Plan, restic: Restic, tell: make.Tell, snapshot: Snapshot, address: str, folder: str, _: Mapping[str, Any]
) -> dict[str, Any]:
    """What beside.put tells."""
    present = _present(plan, address)
    path = plan["mailboxes"] / present.relative_to(plan["store"])
    with _fetched(plan, restic, tell, snapshot, str(path)) as (source,):
        if not source.exists():
            raise _lacks(snapshot, address)
        fetch.owned(plan["owner"], _mail(plan))
        words = ("beside", str(source), str(present), _named(snapshot), folder)
        return dict(json.loads(make.as_owner(plan, *words)))


def _persons(
    plan: Plan, restic: Restic, tell: make.Tell, snapshot: Snapshot, address: str, folder: str, about: Mapping[str, Any]
) -> dict[str, Any]:
    login = plan["people"][address]
    if login not in about.get("people", {}):
        raise _lacks(snapshot, address)
    with coming.fetched(plan, restic, tell, snapshot, {login: about["people"][login]}) as there:
        return coming.one(login, there[login], _named(snapshot), folder)


def _named(snapshot: Snapshot) -> str:
    return f"Restored {snapshot.at[:10]}"


def _lacks(snapshot: Snapshot, address: str) -> Failed:
    return Failed(f"backup {snapshot.id[:8]} of {snapshot.at[:10]} has no mailbox {address}")


def contents(plan: Plan, restic: Restic, snapshot: Snapshot) -> dict[str, Any]:
    """What a backup says of itself (make.stage)."""
    told: dict[str, Any] = json.loads(restic.file(snapshot.id, f"{plan['staged']}/about.json"))
    return told


def _mail(plan: Plan) -> Path:
    return Path(plan["store"], ".restore")  # where mailboxes are fetched to: on the same disk


@contextmanager
def _fetched(plan: Plan, restic: Restic, tell: make.Tell, snapshot: Snapshot, *paths: str) -> Iterator[list[Path]]:
    """Where these lie that were fetched: mailboxes first; away afterwards. Failed says that nothing was changed."""
    targets = (_mail(plan), Path(plan["memory"], "restore"))
    try:
        try:
            yield [fetch.fetch(restic, tell, snapshot, path, to) for path, to in zip(paths, targets, strict=False)]
        except OSError as why:
            raise Failed(f"{plainly(why)}; nothing was changed") from why
        except Failed as why:
            raise Failed(f"{why}; nothing was changed") from why
    finally:
        for place in targets:
            shutil.rmtree(place, ignore_errors=True)


def _refuse_newer(plan: Plan, restic: Restic, snapshot: Snapshot, people: coming.People) -> None:
    """Before anything is fetched, which may take hours."""
    store = Path(plan["store"])
    if not join.newer(frozenset(), store) and not coming.newer(people, frozenset()):
        return
    known = {
        unchanging(name.rpartition("/")[2]) for top in tops(plan, people) for name, _ in restic.files(snapshot.id, top)
    }
    if found := join.newer(known, store) | coming.newer(people, known):
        raise Failed(f"{have_newer(found)}; nothing was changed. {KEEP}")


def tops(plan: Plan, people: coming.People) -> set[str]:
    """Where mailboxes lie in a backup."""
    return {plan["mailboxes"], *(str(Path(one["at"]).parent) for one in people.values())}


def have_newer(found: Mapping[str, int]) -> str:
    """Who has messages that the backup has not, and how many."""
    names = coming.some([f"{address} ({number:,})" for address, number in sorted(found.items())], MOST_NAMES)
    return f"mailboxes here hold messages that the backup has not: {names}"


def _opened(people: coming.People) -> None:
    """Have Dovecot count anew, and tell programs that each folder has changed since they last looked (RFC 7162).

    Its count of changes began anew with its indexes; the time of day is beyond whatever it was.
    """
    now = str(int(time.time()))
    listed = doveadm("-f", "tab", "mailbox", "list", "-A") if not people else ""
    for line in listed.splitlines()[1:]:
        user, _, name = line.partition("\t")
        if not name.startswith("shared/"):
            doveadm("mailbox", "update", "-u", user, "--min-highest-modseq", now, name)
    for login in people:
        for name in doveadm("-f", "tab", "mailbox", "list", "-u", login).splitlines()[1:]:
            doveadm("mailbox", "update", "-u", login, "--min-highest-modseq", now, name)
        doveadm("quota", "recalc", "-u", login)
    doveadm("quota", "recalc", "-A")
    doveadm("acl", "recalc", "-A")  # who finds what others share: this host's own list of it stayed (join.everything)
