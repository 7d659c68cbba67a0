"""How fast passwords may be tried: by pace, not by number, so that nobody is locked out. Runs on the host.

Whoever tries a password has the turn of that mailbox, and one of a few places for all, until the answer is there; a
wrong answer takes Dovecot two seconds.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import secrets
import signal
from collections.abc import Iterator

DIRECTORY = "/run/posthaus-account"
PLACES = 4
PATIENCE = 30  # seconds


class CrowdedError(Exception):
    """Too many others are trying."""


@contextlib.contextmanager
def turn(name: str) -> Iterator[None]:
    """Try one password of the mailbox ``name``. CrowdedError: no turn within PATIENCE."""
    mailbox = hashlib.sha256(name.encode()).hexdigest()[:2]
    with _has(f"mailbox-{mailbox}"), _has(f"place-{secrets.randbelow(PLACES)}"):
        yield


@contextlib.contextmanager
def _has(what: str) -> Iterator[None]:
    handle = os.open(f"{DIRECTORY}/{what}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    former = signal.signal(signal.SIGALRM, _late)
    try:
        signal.alarm(PATIENCE)
        fcntl.flock(handle, fcntl.LOCK_EX)
        signal.alarm(0)
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, former)
        os.close(handle)


def _late(*_: object) -> None:
    raise CrowdedError
