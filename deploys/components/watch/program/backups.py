"""How old the last backup is, and whether the repository was found whole."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from deploys.components.watch.program.amounts import DAY, HOUR, count, size, span
from deploys.result import Check, CheckResult

GROUP = "backup"
LATE, LOST = 26 * HOUR, 3 * DAY  # it takes a while, and begins within half an hour
CHECKED = 9 * DAY
OWNED = "give them back to the user that owns mail: find /var/mail/vhosts ! -user vmail -ls; chown"
THEIRS = "its Unix user could not read it, or it leads to somebody else's: look at what lies there (docs/backup.md)"
ON = "run deploys/restore.py again; or, where the host shall go on as it is, deploys/backup.py --data begin=yes"
AGAIN = "pyinfra inventory.py deploys/backup.py makes one now; why not: journalctl -u posthaus-backup -n 30"


def backup(memory: str, restoring: str) -> Iterator[CheckResult]:
    """``memory``: the file in which the program that makes them keeps what it knows of the last; ``restoring``: the one
    that is there while a restore puts files in place."""
    yield from interrupted(Path(restoring))
    try:
        known: dict[str, Any] = json.loads(Path(memory).read_text("utf-8"))
    except FileNotFoundError:
        known = {}
    yield from results(known, time.time())


def interrupted(restoring: Path) -> Iterator[CheckResult]:
    """A line where a restore did not come to its end."""
    try:
        since = restoring.stat().st_mtime
    except FileNotFoundError:
        return
    about = Check("backup.restoring", GROUP, "restore", "at its end")
    yield about.result(f"putting files in place since {span(time.time() - since)}, or interrupted then", False, ON)


def results(known: Mapping[str, Any], now: float) -> Iterator[CheckResult]:
    """``known``: as the program wrote it; ``now``: seconds since the epoch."""
    about = Check("backup.last", GROUP, "last backup", f"within {span(LATE)}")
    last, failed = known.get("last"), known.get("failed")
    amounts = f", {count(last['messages'], 'message')}, {size(last['bytes'])}" if last else ""
    age = now - last["at"] if last else LOST
    seen = f"{span(age)} ago{amounts}" if last else "none has been made yet"
    if failed:
        yield about.result(f"failed {span(now - failed['at'])} ago: {failed['why']} (the last: {seen})", False, AGAIN)
    elif not last:  # a host that has only just been set up
        yield about.result(seen, True, AGAIN)
    elif last.get("unreadable"):
        lacks = f"{seen}; {last['unreadable']:,} files or directories of mailboxes lack, such as {last['unread'][0]}"
        yield about.result(lacks, age < LOST, OWNED if last["unread"][0].startswith("/var/mail/vhosts") else THEIRS)
    else:
        yield about.result(seen, age < LOST, AGAIN if age >= LATE else "")
    if checked := known.get("checked"):
        about = Check("backup.checked", GROUP, "backups' repository", f"checked within {span(CHECKED)}")
        yield about.result(f"{span(now - checked)} ago: whole", True, AGAIN if now - checked >= CHECKED else "")
    proved = known.get("proved")
    if proved and "opened" in proved:
        about = Check("backup.proved", GROUP, "last proved restore", f"within {span(CHECKED)}")
        came = f"{count(proved['messages'] + proved['gone'], 'message')} of {proved['address']} came back"
        seen = f"{span(now - proved['at'])} ago: {came}, Dovecot opened {proved['opened']:,}"
        late = now - proved["at"] >= CHECKED
        yield about.result(seen if proved["address"] else "no mailbox has a message", True, AGAIN if late else "")
