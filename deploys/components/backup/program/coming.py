"""Unix users' mail that comes back: fetched by root to where only root may go, put in its place by its own user."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from deploys.components.backup.program import beside, fetch, homes, join, person, state, uids
from deploys.components.backup.program.homes import OURS, Plan
from deploys.components.backup.program.restic import Failed, Restic, Snapshot
from deploys.components.backup.program.stage import folders

FETCHED = ".posthaus-restore"  # beside the home; only root may enter
COMING = ".posthaus-restoring"  # in the home
JOINED = ".joined"  # beside what was there before: what that held is in the present home
BOX = "posthaus-restoring"  # in the Maildir, without a dot in front: it is no folder
QUICK = 600  # seconds: services stand still
MOST_NAMES = 10
People = Mapping[str, Mapping[str, Any]]  # as homes.stage tells


def before(stamp: str) -> str:
    """In the home: what was there before."""
    return f".before-{stamp}"


def ready(people: People) -> None:
    """See that each is there and can take it. Failed names all who are not and cannot."""
    missing, wrong = [], []
    for login, one in people.items():
        try:
            home = _home(login)
        except Failed:
            missing.append(f"{login} ({one['messages']:,} messages)")
            continue
        try:
            if not person.run(login, partial(_writable, home)):
                wrong.append(f"{login} may not write to {home}, or it is not there")
        except Failed as why:
            wrong.append(str(why))
    problems = []
    if missing:
        problems.append(
            f"mail waits for Unix users that are not here: {some(missing)}. Make them (declare them in mail.yaml and"
            " run deploys/mail.py, or useradd --create-home), and restore then"
        )
    if wrong:
        problems.append(f"mail cannot come back to {some(wrong)}")
    if problems:
        raise Failed(f"{'; '.join(problems)}; nothing was changed")


def _writable(home: Path) -> bool:
    return home.is_dir() and os.access(home, os.W_OK | os.X_OK)


def some(names: Sequence[str], most: int = MOST_NAMES) -> str:
    """The first ``most`` of them, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _home(login: str) -> Path:
    return Path(person.known(login).pw_dir)


def newer(people: People, known: Set[str]) -> dict[str, int]:
    """By login, how many messages are here whose names (the part that never changes) are not ``known``."""
    found = {login: person.run(login, partial(join.unknown, _home(login), known)) for login in people}
    return {login: number for login, number in found.items() if number}


@contextmanager
def fetched(
    plan: Plan, restic: Restic, tell: Callable[[str], None], snapshot: Snapshot, people: People
) -> Iterator[dict[str, Path]]:
    """Where each one's mail lies that was fetched, and belongs to them; away afterwards."""
    groups: dict[Path, list[str]] = {}
    for login, one in people.items():
        groups.setdefault(Path(one["at"]).parent, []).append(login)
    targets = {
        top: homes.beside(plan, logins[0], f"{FETCHED}-{number}") for number, (top, logins) in enumerate(groups.items())
    }
    found = {}
    try:
        for top, logins in groups.items():
            path = top if len(logins) > 1 else top / logins[0]
            lies = fetch.fetch(restic, tell, snapshot, str(path), targets[top])
            for login in logins:
                found[login] = lies if path != top else lies / login
                found[login].mkdir(parents=True, exist_ok=True)
                _plain(found[login])
                fetch.owned(login, found[login])
        yield found
    finally:
        for target in targets.values():
            shutil.rmtree(target, ignore_errors=True)


def _plain(place: Path) -> None:
    """Take away what neither is a file nor tells which script is active: it is nobody's message."""
    for where, directories, files in os.walk(place):
        for name in (*directories, *files):
            path = Path(where, name)
            kind = path.lstat().st_mode
            if not (stat.S_ISREG(kind) or stat.S_ISDIR(kind)) and path != place / ".dovecot.sieve":
                path.unlink()


@contextmanager
def brought(there: Mapping[str, Path]) -> Iterator[list[str]]:
    """Have what was ``fetched`` in each one's home, beside what is there: from there all goes by renaming."""
    try:
        for login, place in there.items():
            person.run(login, partial(_bring, _home(login)), place)
        yield list(there)
    finally:
        for login in there:
            with contextlib.suppress(Failed):
                person.run(login, partial(state.remove, _home(login) / COMING))


def _bring(home: Path) -> None:
    state.remove(home / COMING)
    (home / COMING).mkdir(mode=0o700)
    for part in sorted(OURS):
        if os.path.lexists(part):
            state.move(Path(part), home / COMING / part)


def put(login: str, stamp: str) -> dict[str, Any]:
    """Put one's mail in its place, joined with what has come since; or, where that fails, leave all as it was.

    Returns ``parts`` of the home that came, how many messages were joined to them (``messages``), and whether
    something was there ``before``.
    """
    try:
        return dict(person.run(login, partial(_put, _home(login), stamp), seconds=QUICK))
    except Failed:
        with contextlib.suppress(Failed):  # it may have been ended halfway
            person.run(login, partial(_interrupted, _home(login), stamp), seconds=QUICK)
        raise


def _put(home: Path, stamp: str) -> dict[str, Any]:
    coming, aside = home / COMING, home / before(stamp)
    parts = [part for part in sorted(OURS) if os.path.lexists(coming / part)]
    joined = 0
    if "Maildir" in parts:
        uids.moved_on(coming, home)
        joined = join.home(home, coming)
        parts = [part for part in sorted(OURS) if os.path.lexists(coming / part)]  # a script may have joined
    try:
        for part in parts:
            if os.path.lexists(home / part):
                aside.mkdir(mode=0o700, exist_ok=True)
                os.rename(home / part, aside / part)
            os.rename(coming / part, home / part)
        if aside.exists():
            (aside / JOINED).touch()
    except BaseException:
        _back(home, stamp, parts)
        raise
    return {"parts": parts, "messages": joined, "before": aside.exists()}


def back(done: Mapping[str, Mapping[str, Any]], stamp: str) -> None:
    """Undo ``put`` for all who are ``done`` (by login what it told). Failed names whose could not be."""
    failed = []
    for login, told in done.items():
        try:
            person.run(login, partial(_back, _home(login), stamp, told["parts"]), seconds=QUICK)
        except Failed as why:
            failed.append(str(why))
    if failed:
        raise Failed(f"not put back as it was: {some(failed)}")


def _back(home: Path, stamp: str, parts: Sequence[str]) -> None:
    coming, aside = home / COMING, home / before(stamp)
    for part in parts:
        if os.path.lexists(home / part) and not os.path.lexists(coming / part):
            os.rename(home / part, coming / part)
        if os.path.lexists(aside / part):
            os.rename(aside / part, home / part)
    if aside.exists():
        (aside / JOINED).unlink(missing_ok=True)
        aside.rmdir()


def interrupted(people: People, stamp: str) -> None:
    """Put back what a restore that was killed had moved aside, and nothing had taken its place yet; where mail has come
    there since, it is joined to what only the former one has."""
    for login in people:
        person.run(login, partial(_interrupted, _home(login), stamp))


def _interrupted(home: Path, stamp: str) -> None:
    aside = home / before(stamp)
    for part in sorted(OURS):
        if os.path.lexists(aside / part) and not os.path.lexists(home / part):
            os.rename(aside / part, home / part)
    if aside.exists() and not (aside / JOINED).exists():
        join.home(aside, home)
        (aside / JOINED).touch()


def shut(people: People, shadow: str) -> list[str]:
    """Those who cannot log in yet. ``shadow``: what /etc/shadow says (shadow(5))."""
    hashes = {line.split(":")[0]: line.split(":")[1] for line in shadow.splitlines() if ":" in line}
    return [login for login in sorted(people) if not hashes.get(login, "x").strip("!*")]


def opened(login: str) -> bool:
    """Whether somebody has a mailbox already."""
    return bool(person.run(login, partial(folders, _home(login))))


def one(login: str, place: Path, name: str, folder: str) -> dict[str, Any]:
    """What beside.put tells of one's mailbox that was ``fetched`` to ``place``."""

    def put_beside() -> dict[str, Any]:
        home = _home(login)
        box = home / "Maildir" / BOX  # Maildir may be a link to another disk
        state.remove(box)
        box.mkdir(mode=0o700)
        try:
            if os.path.lexists("Maildir"):
                state.move(Path("Maildir"), box / "Maildir")
            return beside.put(box, home, name, folder)
        finally:
            state.remove(box)

    return dict(person.run(login, put_beside, place))
