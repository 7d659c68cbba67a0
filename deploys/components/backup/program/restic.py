"""restic, with its secrets from files that only root may read (https://restic.readthedocs.io/)."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any

TAG = "posthaus"
INSTALLATION = "installation-"  # begins a tag that says which installation of the host made it
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
MISSING = ("Is there a repository at the following location", "repository does not exist")
LONGEST = 600  # characters of what restic complains of
EVERY = "0.2"  # a second: how often it says how far it is
NOTHING = (
    "nothing is there: either no backup has been made yet (deploys/backup.py makes one), or the disk or the server that"
    " has them is not there now"
)
# What it complains of, and what that means to whoever reads mail.yaml.
MEANS = (
    (
        "wrong password or no key found",
        "the password (backup.password, or the file that backup.password_on_host names) does not open the repository:"
        " write the one that it was made with, or add this one by hand with restic key add",
    ),
    (  # whose own words it passes on only sometimes
        "unable to start the sftp session",
        "SSH did not get in; log in there by hand once, as root on the host, and see what it says (docs/backup.md)",
    ),
    *((words, NOTHING) for words in MISSING),
    (
        "already locked",
        "somebody is at work in the repository, or died there: wait for half an hour, and then restic unlock, which the"
        " host does by itself before the next backup or restore, takes the lock away",
    ),
    ("no space left on device", "a disk is full: the repository's, or the host's own"),
)


class Failed(Exception):
    """Why something was not done, in words for an administrator."""


def plainly(why: Exception) -> str:
    """What went wrong, for an administrator."""
    if isinstance(why, OSError):
        return f"{why.filename2 or why.filename or 'the host'}: {why.strerror or why}"
    return str(why) if isinstance(why, Failed) else repr(why)


@dataclass(frozen=True)
class Snapshot:
    """One backup: ``at`` is when it was begun (ISO 8601, of the host's own zone)."""

    id: str
    at: str
    tags: Sequence[str]
    bytes: int | None = None  # of all files; restic tells it from 0.17 on

    @property
    def moment(self) -> str:
        """Such as ``2026-11-20 03:20``."""
        return self.at[:16].replace("T", " ")

    @property
    def installation(self) -> str:
        """Which installation of the host made it."""
        return next((tag.removeprefix(INSTALLATION) for tag in self.tags if tag.startswith(INSTALLATION)), "")

    def number(self, what: str) -> int | None:
        """How many ``mailboxes`` or ``messages`` are in it, as ``counted`` has it; None in one that is older."""
        found = [tag.removeprefix(f"{what}-") for tag in self.tags if tag.startswith(f"{what}-")]
        return int(found[0]) if found and found[0].isdecimal() else None


def counted(mailboxes: int, messages: int) -> list[str]:
    """Words by which restic keeps numbers beside a backup, so that a list of all of them asks for none."""
    return ["--tag", f"mailboxes-{mailboxes}", "--tag", f"messages-{messages}"]


class Restic:
    """``settings``: the directory of its secrets; ``cache``: where it may keep what it knows of the repository."""

    def __init__(self, settings: str, password: str, cache: str, host: str) -> None:
        self.host = host
        with open(f"{settings}/environment.json", encoding="utf-8") as file:
            own: Mapping[str, str] = json.load(file)
        self.environment = {"PATH": PATH, "LC_ALL": "C.UTF-8", "HOME": "/root", "RESTIC_PROGRESS_FPS": EVERY, **own}
        with open(f"{settings}/repository", encoding="utf-8") as file:
            self.secrets = secrets_in(file.read().strip(), own)
        files = ("--repository-file", f"{settings}/repository", "--password-file", password)
        self.words = ("restic", *files, "--cache-dir", cache)

    def said(self, *words: str) -> bytes:
        """What it prints. Failed says what it complains of."""
        done = subprocess.run(
            (*self.words, *words), env=self.environment, stdin=subprocess.DEVNULL, capture_output=True
        )
        if done.returncode:
            raise Failed(complaint(words[0], done.returncode, done.stderr.decode("utf-8", "replace"), self.secrets))
        return done.stdout

    def follow(self, tell: Callable[[dict[str, Any]], None], *words: str) -> dict[str, Any]:
        """The summary of a long command; ``tell`` gets each of its messages on the way."""
        command = (*self.words, "--json", *words)
        summary: dict[str, Any] = {}
        with subprocess.Popen(
            command, env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        ) as running:
            assert running.stdout
            others: list[str] = []
            for line in running.stdout:
                try:
                    said: dict[str, Any] = json.loads(line)
                    kind = said["message_type"]
                except (ValueError, KeyError, TypeError):
                    others.append(line.decode("utf-8", "replace"))
                    continue
                if kind == "summary":
                    summary = said
                elif kind == "error":
                    others.append(str(said.get("error")))
                else:
                    tell(said)
        if running.returncode:
            raise Failed(complaint(words[0], running.returncode, "\n".join(others), self.secrets))
        return summary

    @contextmanager
    def stream(self, *words: str) -> Iterator[IO[bytes]]:
        """What it prints, while it does. Failed says what it complains of."""
        with tempfile.TemporaryFile() as complaints:
            command = (*self.words, *words)
            with subprocess.Popen(
                command, env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=complaints
            ) as running:
                assert running.stdout
                yield running.stdout
                while running.stdout.read(1 << 20):  # what nobody wanted
                    pass
            if running.returncode:
                complaints.seek(0)
                text = complaints.read().decode("utf-8", "replace")
                raise Failed(complaint(words[0], running.returncode, text, self.secrets))

    def ready(self, make: bool = True) -> bool:
        """See that the repository is there, and make it where it is not. Whether it was made."""
        try:
            self.said("cat", "config", "--no-lock")
        except Failed as why:
            if not make or not any(words in str(why) for words in MISSING):
                raise
            self.said("init")
            return True
        return False

    def unlock(self) -> None:
        """Take away what a run left behind that died; whoever works is left alone. Where nobody may write, it stays."""
        with contextlib.suppress(Failed):
            self.said("unlock")

    def snapshots(self) -> list[Snapshot]:
        """All of this host's, the oldest first."""
        told = json.loads(self.said("snapshots", "--json", "--no-lock", "--host", self.host, "--tag", TAG)) or []
        return [_snapshot(one) for one in told]

    def files(self, snapshot: str, path: str) -> Iterator[tuple[str, int]]:
        """The paths of all files below a directory of a snapshot, and their bytes."""
        with self.stream("ls", "--json", "--no-lock", "--recursive", snapshot, path) as lines:
            for line in lines:
                told = json.loads(line)
                if told.get("type") == "file":
                    yield told["path"], told.get("size", 0)

    def file(self, snapshot: str, path: str) -> bytes:
        """What one file of a snapshot holds."""
        return self.said("dump", "--no-lock", snapshot, path)


def _snapshot(told: Mapping[str, Any]) -> Snapshot:
    summary = told.get("summary") or {}
    return Snapshot(told["id"], told["time"], tuple(told.get("tags") or ()), summary.get("total_bytes_processed"))


def secrets_in(repository: str, environment: Mapping[str, str]) -> list[str]:
    """What no message may hold: the password in the repository's URL, if there is one, and all that was declared to be
    kept elsewhere; the longest first."""
    inside = re.findall(r"://[^/@]*?:([^/]*)@", repository)
    return sorted({*inside, *environment.values()} - {""}, key=len, reverse=True)


def complaint(word: str, status: int, text: str, secrets: Sequence[str] = ()) -> str:
    """What restic said last, in one line and without ``secrets``."""
    for one in secrets:
        text = text.replace(one, "…")
    text = "\n".join(_message(line) for line in text.splitlines())
    lines = [line.strip() for line in text.splitlines() if line.strip()] or ["no reason given"]
    means = next((f": {meaning}" for said, meaning in MEANS if said in text), "")
    return f"restic {word} (exit status {status}): {' / '.join(lines[-4:])[-LONGEST:]}{means}"


def _message(line: str) -> str:
    """What a line of JSON says, which newer versions of restic complain in."""
    try:
        told = json.loads(line)
        return str(told["message"]) if told["message_type"] == "exit_error" else line
    except (ValueError, KeyError, TypeError):
        return line


def literally(path: str) -> str:
    """``path`` as a pattern of restic's that means nothing but itself."""
    return "".join(f"\\{one}" if one in "*?[]\\" else one for one in path)
