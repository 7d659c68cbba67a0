"""What there is to bring back: which backups, one mailbox in each of them, what a restore would do. Changes nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from deploys.components.backup.program import coming, fetch, homes, join
from deploys.components.backup.program.beside import chosen as chosen_folders
from deploys.components.backup.program.beside import named
from deploys.components.backup.program.restic import Failed, Restic, Snapshot
from deploys.components.backup.program.restore import KEEP, chosen, contents, have_newer, tops
from deploys.components.backup.program.stage import unchanging

Tell = Callable[[str], None]
Plan = Mapping[str, Any]


def listed(plan: Plan, restic: Restic, tell: Tell, address: str) -> None:
    """All backups, a line each. With an ``address``, how many messages of this mailbox are in each."""
    found = restic.snapshots()
    if found:
        tell(f"{'backup':8}  {'begun':16}  {'mailboxes':>9}  {'messages':>9}  {'size':>8}")
    for one in found:
        numbers = (one.number("mailboxes"), one.number("messages"))
        if address:
            count = _count(plan, contents(plan, restic, one), address)
            numbers = (0, 0) if count is None else (1, count)
        mailboxes, messages = (f"{number:,}" if number is not None else "–" for number in numbers)
        tell(f"{one.id[:8]}  {one.moment}  {mailboxes:>9}  {messages:>9}  {size(one.bytes):>8}")
    whose = f", with what {address} has in each" if address and found else ""
    tell(f"{len(found)} backup{'' if len(found) == 1 else 's'} of {plan['host']}{whose}")


def foreseen(plan: Plan, restic: Restic, tell: Tell, address: str, at: str, folder: str) -> None:
    """What restore.whole, or with an ``address`` restore.mailbox, would do."""
    snapshot = chosen(restic.snapshots(), at)
    told = contents(plan, restic, snapshot)
    tell(f"backup {snapshot.id[:8]} of {snapshot.moment}, made on {told['release'] or 'another release'}")
    if address:
        _mailbox(plan, restic, tell, snapshot, told, address, folder)
    else:
        _whole(plan, restic, tell, snapshot, told)
    tell("nothing was changed; the same without look=yes does it")


def _count(plan: Plan, told: Mapping[str, Any], address: str) -> int | None:
    """How many messages of a mailbox there are; None where it is not there."""
    person = told.get("people", {}).get(plan["people"].get(address))
    count: int | None = person["messages"] if person else told["counts"].get(_place(address))
    return count


def _mailbox(
    plan: Plan, restic: Restic, tell: Tell, snapshot: Snapshot, told: Mapping[str, Any], address: str, folder: str
) -> None:
    person = told.get("people", {}).get(plan["people"].get(address), {})  # a Unix user
    top = f"{person.get('at') or plan['mailboxes'] + '/' + _place(address)}/"
    inside = [(path.removeprefix(top), number) for path, number in restic.files(snapshot.id, top.rstrip("/"))]
    if not inside:
        raise Failed(f"the backup has no mailbox {address}")
    messages = Counter({where: 0 for path, _ in inside if (where := _folder(path))})
    messages.update(_folder(path) for path, _ in inside if path.split("/")[-2:-1] in (["cur"], ["new"]))
    wanted = chosen_folders(messages, folder)
    if not wanted:
        there = ", ".join(map(named, sorted(messages)))
        raise Failed(f"the backup has no folder {folder} of {address}; it has {there}")
    names = {one: f"Restored {snapshot.at[:10]}/{named(one)}" for one in sorted(wanted)}
    tell(f"{address}: {sum(messages[one] for one in names):,} messages would be put beside what is there, in:")
    width = max(map(len, names.values()))
    for one, name in names.items():
        tell(f"  {name:{width}}  {messages[one]:>9,}")
    _room(tell, Path(plan["store"]), [number for path, number in inside if _folder(path) in names])


def _whole(plan: Plan, restic: Restic, tell: Tell, snapshot: Snapshot, told: Mapping[str, Any]) -> None:
    tell(f"mailboxes: {told['mailboxes']:,}, messages: {told['messages']:,}, on their way then: {told['queued']:,}")
    tell(f"as they were then: {', '.join(told['state'])}")
    people = told.get("people", {})
    files = [one for top in tops(plan, people) for one in restic.files(snapshot.id, top)]
    known = {unchanging(path.rpartition("/")[2]) for path, _ in files}
    there = {login: one for login, one in people.items() if login in homes.logins(plan)}
    newer = join.newer(known, Path(plan["store"])) | coming.newer(there, known)
    tell(f"{have_newer(newer)}. {KEEP}" if newer else "no message is here that the backup has not")
    _room(tell, Path(plan["store"]), [number for _, number in files])


def _room(tell: Tell, store: Path, sizes: Iterable[int]) -> None:
    needed = fetch.taking(sizes)
    try:
        fetch.room(store / "any", needed)
    except Failed as why:
        tell(f"there is no room for it: {why}")
    else:
        tell(f"it takes {size(needed)} on the disk, and there is room")


def _folder(path: str) -> str:
    """Where a file lies: ``INBOX``, or another folder's name on the disk; "" outside of all."""
    top, *parts = path.split("/")
    if top != "Maildir" or not parts:
        return ""
    return parts[0].removeprefix(".") if parts[0].startswith(".") and len(parts) > 1 else "INBOX"


def _place(address: str) -> str:
    """Where its mailbox lies, below the store."""
    local, _, domain = address.rpartition("@")
    return f"{domain}/{local}"


def size(number: int | None) -> str:
    """Such as ``1.2 GB``; ``–`` where nobody knows."""
    if number is None:
        return "–"
    for unit, least in (("GB", 1 << 30), ("MB", 1 << 20)):
        if number >= least:
            return f"{number / least:,.1f} {unit}"
    return f"{-(-number // 1024):,} KB"
