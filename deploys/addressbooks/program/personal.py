"""Signature and preferences, in SquirrelMail's files: what somebody has chosen here stays as it is."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

DEFAULT = "/usr/share/squirrelmail/config/default_pref"  # what SquirrelMail begins with (functions/file_prefs.php)


def add(place: Path, address: str, signature: str, preferences: Mapping[str, str], default: str = DEFAULT) -> list[str]:
    """What of it was put there. OSError: why it was not."""
    done = []
    if signature and _made(place / f"{address}.sig", signature):
        done.append("signature added")
    path = place / f"{address}.pref"
    text = _read(path)
    begun = _read(Path(default)) if text is None else text
    chosen = {key: value for line in (begun or "").splitlines() for key, _, value in [line.partition("=")]}
    new = {key: value for key, value in preferences.items() if not chosen.get(key)}
    if new:
        lines = [line for line in (begun or "").splitlines() if line.partition("=")[0] not in new]
        _put(path, "".join(f"{line}\n" for line in (*lines, *(f"{key}={value}" for key, value in new.items()))))
        done.append(f"{len(new):,} preference{'s' if len(new) != 1 else ''} added")
    return done


def _read(path: Path) -> str | None:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    with open(handle, encoding="utf-8", errors="surrogateescape") as file:
        return file.read()


def _made(path: Path, text: str) -> bool:
    """A new file, unless there is one."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        return False
    with open(handle, "w", encoding="utf-8", errors="surrogateescape") as file:
        file.write(text)
    return True


def _put(path: Path, text: str) -> None:
    """Whole or not at all."""
    part = path.with_name(f"{path.name}.posthaus")
    part.unlink(missing_ok=True)
    _made(part, text)
    part.replace(path)
