"""Mailboxes that go to the archive, come back, or have been there for long enough. By root; each tells what it did."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from deploys.components.archive.program import letting, person
from deploys.components.archive.program.entries import ABOUT, Ask, Entry, Failed, begun, ended, entries
from deploys.components.archive.program.store import KEPT
from deploys.values import archived

Plan = Mapping[str, Any]
DAY = 86_400  # seconds
_ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}


def run(plan: Plan, ask: Ask, lines: Sequence[str]) -> list[str]:
    """What a run wants, a line each: ``note ADDRESS`` (it is going), ``take`` (it is no longer served: to the archive),
    ``end`` (likewise, and nothing leads there any more), ``keep`` (it stays after all), ``come`` (it is going to be
    somebody else's, who begins with nothing)."""
    noted, said = Path(plan["leaving"]), []
    wanted = [(word, address) for word, _, address in (line.partition(" ") for line in lines)]
    going = [address for word, address in wanted if word in ("take", "end", "come")]
    rights: dict[str, list[Any]] = ask("rights", *going) if going else {}
    for word, address in wanted:
        local, _, domain = address.rpartition("@")
        if word == "note":
            noted.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            _write(noted, [*_lines(noted), address])
            continue
        if word in ("take", "end"):
            said += taken(plan, ask, address, rights.get(address, ()))
        elif word == "come":
            said += _came(plan, ask, address, rights.get(address, ()))
        if word in ("end", "keep"):
            if ask("unlink", domain, local) and word == "end":  # somebody was on the way there
                said += taken(plan, ask, address)
                ask("unlink", domain, local)
            _write(noted, [one for one in _lines(noted) if one != address])
    return said


def _lines(path: Path) -> list[str]:
    return path.read_text("utf-8").splitlines() if path.exists() else []


def _write(path: Path, lines: Sequence[str]) -> None:
    new = path.with_name(f"{path.name}.new")
    new.write_text("".join(f"{line}\n" for line in dict.fromkeys(lines)), "utf-8")
    new.replace(path)


def taken(plan: Plan, ask: Ask, address: str, rights: Sequence[Any] = ()) -> list[str]:
    """Move all that is a person's to the archive; what is not there is no error. ``rights``: to folders of others."""
    local, _, domain = address.rpartition("@")
    kept = begun(Path(plan["state"]), address, time.time())
    mail = ask("move", domain, local, kept.name)
    (Path(plan["told"]) / address).unlink(missing_ok=True)  # that their mailbox was nearly full
    anything = person.taken(plan, address, kept)
    said = letting.taken(plan, ask, address, kept, rights)
    if mail["messages"] is None and not anything and not os.listdir(kept):
        kept.rmdir()
        return [*said, *([mail["stays"]] if mail["stays"] else [])]
    ended(kept, mail["messages"] or 0, time.time())
    where = f"{plan['store']}/{KEPT}/{domain}/{kept.name}"
    return [mail["stays"] or f"{address}: {_messages(mail['messages'] or 0)} are in the archive now ({where})", *said]


def _came(plan: Plan, ask: Ask, address: str, rights: Sequence[Any]) -> list[str]:
    """What the last one was let into goes to their papers, where it did not go with them."""
    before = [one for one in entries(Path(plan["state"])) if one.address == address]
    return letting.taken(plan, ask, address, before[-1].kept, rights) if before else []


def listed(plan: Plan, ask: Ask) -> Iterator[str]:
    """A line for each, the oldest first, and the sum."""
    found = entries(Path(plan["state"]))
    width = max((len(one.address) for one in found), default=0)
    for one in found:
        until = f"until {_until(plan, one)}" if plan["keeps"] else "for ever"
        where = f"{plan['store']}/{KEPT}/{one.domain}/{one.name}"
        yield f"{one.address:{width}}  since {one.day}, {until}: {_messages(one.messages)}  {where}"
    yield f"{len(found):,} mailbox{'' if len(found) == 1 else 'es'} in the archive"


def _until(plan: Plan, one: Entry) -> str:
    return archived.day(one.at + plan["keeps"])


def _messages(number: int) -> str:
    return f"{number:,} message{'' if number == 1 else 's'}"


def expired(plan: Plan, ask: Ask) -> Iterator[str]:
    """Delete what has been here for as long as was declared, and nothing where no time was."""
    if not plan["keeps"]:
        return
    for one in entries(Path(plan["state"])):
        if one.at + plan["keeps"] <= time.time():
            ask("delete", one.domain, one.name)
            person.forgotten(plan, one.address, one.kept)
            shutil.rmtree(one.kept)
            days = plan["keeps"] // DAY
            yield f"{one.address}, in the archive since {one.day}: {_messages(one.messages)} deleted, after {days} days"


def back(plan: Plan, ask: Ask, address: str, to: str, at: str = "", folder: str = "") -> Iterator[str]:
    """Bring the mailbox that was ``address``'s last (or that came here on the day ``at``) back to ``to``.

    Its own address, which holds nothing yet, is as it was. Any other gets the messages in a new ``folder`` of theirs,
    and the archive keeps them, too.
    """
    found = [one for one in entries(Path(plan["state"])) if one.address == address and one.day.startswith(at)]
    if not found:
        raise Failed(f"the archive has no mailbox {address}{f' of {at}' if at else ''}; it has: {_known(plan)}")
    one, (local, _, domain) = found[-1], to.rpartition("@")
    if not _served(plan, to):
        raise Failed(f"{to} has no mailbox on this host yet; pyinfra inventory.py deploys/mail.py makes it")
    there = ask("there", one.domain, one.name)  # it is not where one died here who had begun, or there never was any
    if to != address or folder or (there and ask("holds", domain, local)):
        yield from _beside(plan, one, to, folder or f"Archived {one.day}")
        return
    _doveadm("kick", to, check=False)
    guests = letting.guests(plan, ask, one)
    if there:
        yield from _placed(ask, to, one)
    person.given_back(plan, address, one.kept)
    yield from letting.given(plan, ask, address, one.kept)
    (one.kept / ABOUT).unlink()
    left = sorted(os.listdir(one.kept))
    if left:
        ended(one.kept, 0, one.at)
        yield f"{to} has these already; those of before stay in {one.kept}: {', '.join(left)}"
    else:
        one.kept.rmdir()
    _doveadm("quota", "recalc", "-u", to, check=False)
    yield f"{to} has {_messages(one.messages)} again, as on {one.day}, with folders, rules, passwords and settings"
    yield "if it was shared with others: pyinfra inventory.py deploys/mail.py lets its members in again"
    yield from guests


def _placed(ask: Ask, to: str, one: Entry) -> Iterator[str]:
    local, _, domain = to.rpartition("@")
    late = ask("place", domain, local, one.name)
    try:
        if late:  # what had come to the new mailbox meanwhile
            _doveadm("import", "-u", to, "-s", f"maildir:{late}/Maildir", "", "ALL")
    except Failed as why:  # what is in place already stays there
        yield f"what had come to {to} meanwhile lies in {late} ({why})"


def _beside(plan: Plan, one: Entry, to: str, folder: str) -> Iterator[str]:
    source = Path(plan["store"], KEPT, one.domain, one.name, "Maildir")
    names = _doveadm("mailbox", "list", "-u", to, folder, f"{re.sub('[*%]', '', folder)}/*", check=False).split("\n")
    if any(names):
        raise Failed(f"{to} has a folder {folder} already; say another: --data folder=NAME")
    try:
        if one.messages:
            _doveadm("import", "-u", to, "-s", f"maildir:{source}", folder, "ALL")
    except Failed as why:
        raise Failed(f"{why}; what is in the archive is as it was") from why
    yield f"{to} has {_messages(one.messages)} of {one.address} in {folder}/…; the archive keeps them, too"


def _known(plan: Plan) -> str:
    names = list(dict.fromkeys(one.address for one in entries(Path(plan["state"]))))
    return ", ".join(names[:10]) + (f" and {len(names) - 10:,} more" if len(names) > 10 else "") or "nobody's"


def _served(plan: Plan, address: str) -> bool:
    return any(line.partition(":")[0] == address for line in person.read(plan["users"]))


def handed_over(plan: Plan, ask: Ask) -> list[str]:
    """People have other names from now on: lines of stdin, ``OLD NEW``. Homes and passwords go their own way."""
    names = dict(line.split(" ") for line in sys.stdin.read().splitlines())
    ask("hand over", more=json.dumps(names))
    for old, new in names.items():
        person.renamed(plan, old, new)
    return []


def _doveadm(*words: str, check: bool = True) -> str:
    done = subprocess.run(["doveadm", *words], capture_output=True, text=True, env=_ENVIRONMENT)
    if done.returncode and check:
        said = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise Failed(f"doveadm {words[0]}: {said}")
    return done.stdout
