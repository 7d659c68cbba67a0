"""What the webmail keeps in the place of a password, for one session alone. Runs on the host.

Dovecot finds it under its SHA-256, which is enough for 256 random bits, and takes it from this very machine alone.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import secrets
import time
from collections.abc import Callable

from deploys.components.account.options import SESSIONS, WEBMAIL_AT, WEBMAIL_SERVICES
from deploys.components.account.program import rows

LASTS = 2 * 3600  # seconds after the webmail has last asked for it: its own sessions end after an hour without a page
_HEAD = "session-"  # tells such a secret from a password
SERVICE = WEBMAIL_SERVICES[0]  # by which it is tried


def added(address: str, mark: str) -> str:
    """The secret of a new session; nobody else may change the rows meanwhile (``rows.locked``). Those that have ended
    by themselves are forgotten."""
    prune()
    secret = _HEAD + secrets.token_urlsafe(32)
    digest = _digest(secret)
    keys = (f"{digest}/{WEBMAIL_AT}/{address}/{mark}/{service}" for service in WEBMAIL_SERVICES)
    new = [f"{key}:::::::nopassword at={int(time.time())}" for key in keys]
    _changed(digest[:2], lambda lines: [*lines, *new])
    return secret


def renewed(secret: str) -> bool:
    """Whether there is this session, which goes on for LASTS from now."""
    digest, now = _digest(secret), int(time.time())

    def later(lines: list[str]) -> list[str]:
        return [re.sub(r" at=\d+$", f" at={now}", line) if line.startswith(f"{digest}/") else line for line in lines]

    with rows.locked():
        there = any(line.startswith(f"{digest}/") for line in _lines(digest[:2]))
        if there:
            _changed(digest[:2], later)
    return there


def forgotten(secret: str) -> None:
    """Whoever it belonged to has logged out."""
    digest = _digest(secret)
    with rows.locked():
        _changed(digest[:2], lambda lines: [line for line in lines if not line.startswith(f"{digest}/")])


def end(address: str) -> None:
    """All sessions of ``address``: its password is another one now. (Within ``rows.locked``.)"""
    for name in _names():
        _changed(name, lambda lines: [line for line in lines if _of(line)[0] != address])


def prune() -> None:
    """Those that nobody has asked for, or that began under another hash than mail.yaml has now. (Likewise.)"""
    marks, since = rows.declared(), time.time() - LASTS

    def counts(line: str) -> bool:
        address, mark = _of(line)
        return marks.get(address) == mark and float(line.rpartition(" at=")[2]) >= since

    for name in _names():
        _changed(name, lambda lines: [line for line in lines if counts(line)])


def _changed(name: str, change: Callable[[list[str]], list[str]]) -> None:
    """A file is never removed: Dovecot reads it anew when its time or size differs from those that it has seen."""
    lines = _lines(name)
    after = change(lines)
    if after != lines:
        path = f"{SESSIONS}/{name}"
        with contextlib.suppress(FileExistsError), open(path, "x", encoding="utf-8"):
            pass
        rows.write(path, after)


def _names() -> list[str]:
    return [name for name in sorted(os.listdir(SESSIONS)) if re.fullmatch("[0-9a-f]{2}", name)]


def _lines(name: str) -> list[str]:
    try:
        return rows.read(f"{SESSIONS}/{name}")
    except FileNotFoundError:
        return []


def _of(line: str) -> tuple[str, str]:
    """Whose a line is, and under which note; an address may have slashes of its own."""
    parts = line.partition(":")[0].split("/")
    return "/".join(parts[2:-2]), parts[-2]


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
