"""Folders of a backup, put into a mailbox beside the present ones. As the owner of mail."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

from deploys.components.backup.program.stage import PARTS, folders

KEPT = (*PARTS, "dovecot-keywords")  # UIDs are the present mailbox's own to give


def put(restored: Path, present: Path, name: str, folder: str) -> dict[str, Any]:
    """Move the messages of the mailbox at ``restored`` into that at ``present``, below a new folder ``name``.

    ``folder``: this one and those below it; "" for all. Returns the ``folders`` as people name them, and how many
    ``messages``.
    """
    wanted = encoded(folder).replace("/", ".")
    chosen = {
        inside: path
        for path in folders(restored)
        for inside in [path.removeprefix("Maildir").removeprefix("/.") or "INBOX"]
        if not wanted or inside == wanted or inside.startswith(f"{wanted}.")
    }
    top, number = _free(present / "Maildir", encoded(name)), 0
    for inside, path in chosen.items():
        new = present / "Maildir" / f".posthaus-restoring.{inside}"
        if new.exists():
            shutil.rmtree(new)
        new.mkdir(mode=0o700)
        for part in ("cur", "new", "tmp"):
            (new / part).mkdir(mode=0o700)
        (new / "maildirfolder").touch(0o600)
        for kept in KEPT:
            if (source := restored / path / kept).exists():
                os.renames(source, new / kept) if kept == "dovecot-keywords" else _moved(source, new / kept)
        number += sum(len(os.listdir(new / part)) for part in PARTS)
        os.rename(new, present / "Maildir" / f".{top}.{inside}")
    return {"folders": [decoded(f"{top}.{inside}".replace(".", "/")) for inside in chosen], "messages": number}


def _moved(source: Path, target: Path) -> None:
    for entry in list(os.scandir(source)):
        os.rename(entry.path, target / entry.name)


def _free(maildir: Path, name: str) -> str:
    """``name``, or ``name (2)`` and so on: one that no folder has."""
    for number in range(1, 1000):
        tried = name if number == 1 else f"{name} ({number})"
        if not [*maildir.glob(f".{tried}"), *maildir.glob(f".{tried}.*")]:
            return tried
    raise FileExistsError(name)


def decoded(name: str) -> str:
    """A folder as people name it (RFC 3501, 5.1.3: modified UTF-7)."""
    parts = name.split("&")
    text = parts[0]
    for part in parts[1:]:
        inside, end, rest = part.partition("-")
        text += ("&" if not inside else f"+{inside.replace(',', '/')}-".encode().decode("utf-7")) + (
            rest if end else ""
        )
    return text


def encoded(name: str) -> str:
    """The reverse of ``decoded``."""
    text, wide = "", ""
    for one in f"{name}\0":
        if " " <= one <= "~" or one == "\0":
            if wide:
                text += "&" + wide.encode("utf-7").decode().strip("+-").replace("/", ",") + "-"
                wide = ""
            text += "&-" if one == "&" else one.strip("\0")
        else:
            wide += one
    return text
