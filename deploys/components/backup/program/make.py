"""One backup: what no run can make again is staged, handed to restic, and old backups go as declared."""

from __future__ import annotations

import grp
import hashlib
import json
import os
import platform
import pwd
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

from deploys.components.backup.program import homes, keywords, state
from deploys.components.backup.program.restic import INSTALLATION, TAG, Failed, Restic, counted

Tell = Callable[[str], None]
WEEK = 6.5 * 86_400  # seconds: the check's day is the same each week
LARGE = 100 << 20  # bytes, of which somebody who waits wants to know how far they are
WAITS = (1, 3)  # seconds
YEAR = 52  # weeks: in one, all of the repository is read
RESTORING = "restoring"  # in the plan's ``memory`` while a restore puts files in place: its moment
HALFWAY = (
    "a restore was interrupted on this host: run deploys/restore.py again, or say that the host goes on as it is"
    " (deploys/backup.py --data begin=yes)"
)
OTHER = (
    "the repository holds backups of {host} that another installation made: bring them back (deploys/restore.py), or"
    " say that this one goes on from here (deploys/backup.py --data begin=yes)"
)


def backup(plan: Mapping[str, Any], restic: Restic, tell: Tell, begin: bool = False) -> dict[str, Any]:
    """Make one. ``begin``: go on though another installation of this host made the ones that are there. Returns what
    is to be remembered of it. Raises Failed."""
    began = time.monotonic()
    _not_halfway(plan, begin)
    first = _ready(plan, restic)
    own = installation(plan)
    before = restic.snapshots()
    if not begin and before and all(one.installation != own for one in before):
        raise Failed(OTHER.format(host=plan["host"]))
    clear(plan)
    try:
        told = stage(plan, tell)
        made = restic.follow(_progress(tell), *_words(plan, own, told))
    finally:
        clear(plan)
    restic.said("forget", "--host", plan["host"], "--tag", TAG, "--group-by", "host", *_kept(plan["keep"]), "--prune")
    return {
        "at": time.time(),
        "snapshot": made["snapshot_id"],
        "seconds": round(time.monotonic() - began),
        "bytes": made["total_bytes_processed"],
        "added": made["data_added"],
        "first": first,
        **told,
    }


def _not_halfway(plan: Mapping[str, Any], begin: bool) -> None:
    """A host that is half another one is no backup."""
    halfway = Path(plan["memory"], RESTORING)
    if begin:
        halfway.unlink(missing_ok=True)
    if halfway.exists():
        raise Failed(HALFWAY)


def _ready(plan: Mapping[str, Any], restic: Restic) -> bool:
    """See that the repository is there, and that nobody who has died holds it locked. Whether it was made now.

    It is made once: one that was there and is not lies on a disk that is not mounted, and a new one in its place would
    look like a backup.
    """
    known = Path(plan["memory"], "repository")
    now = hashlib.sha256(Path(plan["settings"], "repository").read_bytes()).hexdigest()
    if known.exists() and known.read_text("ascii") == now:
        restic.ready(make=False)
        restic.unlock()
        return False
    made = restic.ready()
    known.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    known.write_text(now, encoding="ascii")
    return made


def _words(plan: Mapping[str, Any], own: str, told: Mapping[str, Any]) -> list[str]:
    # A link changes a file's time of change, which says nothing here: messages never change.
    tags = ("--tag", TAG, "--tag", f"{INSTALLATION}{own}", *counted(told["mailboxes"], told["messages"]))
    return [
        "backup",
        "--host",
        plan["host"],
        *tags,
        "--ignore-ctime",
        plan["mailboxes"],
        plan["staged"],
        *homes.tops(plan),
    ]


def _kept(keep: Mapping[str, int]) -> list[str]:
    return [word for span, number in keep.items() if number for word in (f"--keep-{span}", str(number))]


def check(restic: Restic) -> None:
    """See that the repository is whole, and that a part of what it holds can be read: all of it once a year."""
    week = int(time.strftime("%V")) % YEAR + 1
    restic.said("check", "--read-data-subset", f"{week}/{YEAR}")


def installation(plan: Mapping[str, Any]) -> str:
    """Which installation of the host this is; made up when it is first asked for."""
    file = Path(plan["memory"], "installation")
    if not file.exists():
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file.write_text(uuid4().hex[:12], encoding="ascii")
    return file.read_text(encoding="ascii")


def _written(commands: Iterable[Sequence[str]], tell: Tell) -> None:
    """Have programs write down what they know. One that does not is told of, and what it last wrote is kept."""
    for words in commands:
        said = ""
        for wait in (0, *WAITS):  # it may be writing at this moment, of what it knew a moment ago
            time.sleep(wait)
            try:
                done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, timeout=120)
                said = (done.stdout + done.stderr).decode("utf-8", "replace").strip()
            except (OSError, subprocess.TimeoutExpired) as why:
                said = str(why)
            if said == "OK":
                break
        else:
            tell(f"{' '.join(words)}: {said}; what it had written before is kept")


def stage(plan: Mapping[str, Any], tell: Tell) -> dict[str, Any]:
    """Put all that is to be kept where restic takes it from. Returns what stage.everything says, and how many messages
    were on their way (``queued``)."""
    began = time.monotonic()
    staged = Path(plan["staged"])
    staged.mkdir(mode=0o700, parents=True)
    _written(plan["written_by"], tell)
    found = state.everything(plan["state"], staged / "state")
    waiting = state.queue(Path(plan["spool"]), staged / "queue")
    if (words := Path(plan["settings"], "mail.yaml")).exists():
        shutil.copy2(words, staged / words.name)
    told = homes.with_people(json.loads(as_owner(plan, "stage")), homes.stage(plan))
    others = keywords.found(Path(plan["mailboxes"])) | homes.keywords_of(told["people"])
    about = {
        **told,
        "keywords": others,
        "queued": waiting,
        "state": found,
        **_names(),
        "host": plan["host"],
        "at": time.time(),
    }
    (staged / "about.json").write_text(json.dumps(about), "utf-8")
    spent = time.monotonic() - began
    tell(f"{told['mailboxes']:,} mailboxes, {told['messages']:,} messages: held fast in {spent:.1f} s")
    if told["copied"]:
        tell(f"{told['copied']:,} messages had to be copied: some mailboxes lie on a file system of their own")
    if told["unreadable"]:
        tell(f"{told['unreadable']:,} files or directories could not be read: {', '.join(told['unread'])}")
    return {name: value for name, value in told.items() if name not in ("counts", "people")} | {"queued": waiting}


def _names() -> dict[str, Any]:
    """Whose numbers were whose, for a host on which others have them."""
    return {
        "users": {str(one.pw_uid): one.pw_name for one in pwd.getpwall()},
        "groups": {str(one.gr_gid): one.gr_name for one in grp.getgrall()},
        "release": platform.freedesktop_os_release().get("PRETTY_NAME", ""),
    }


def as_owner(plan: Mapping[str, Any], *words: str) -> str:
    """Have this program do something with mailboxes as their owner, who can do no harm elsewhere. Returns what it
    prints. Raises Failed."""
    owner = pwd.getpwnam(plan["owner"])
    done = subprocess.run(
        [sys.executable, "-I", "-B", sys.argv[0], *words],
        user=owner.pw_uid,
        group=owner.pw_gid,
        extra_groups=[],
        umask=0o077,
        cwd="/",
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise Failed(f"mailboxes: {(done.stderr.strip().splitlines() or ['no reason given'])[-1]}")
    return done.stdout


def clear(plan: Mapping[str, Any]) -> None:
    """Take away what was staged."""
    as_owner(plan, "clear")
    homes.clear(plan)
    if os.path.lexists(plan["staged"]):
        shutil.rmtree(plan["staged"])


def _progress(tell: Tell) -> Callable[[dict[str, Any]], None]:
    journal = "JOURNAL_STREAM" in os.environ  # nobody waits there (systemd.exec(5))

    def told(said: dict[str, Any]) -> None:
        if said["message_type"] == "status" and said.get("total_bytes", 0) > LARGE and not journal:
            done, total = said.get("bytes_done", 0), said["total_bytes"]
            tell(f"{100 * done // total} % of {total / (1 << 20):,.0f} MB read")

    return told
