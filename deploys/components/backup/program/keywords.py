"""Keywords for which a Maildir has no letter: a folder's first 26 have one, others stand in Dovecot's index alone.

The index is not kept, for another Dovecot may not read it; so they are asked for, where there are any.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from deploys.components.backup.program.restic import PATH
from deploys.components.backup.program.stage import folders, stores
from deploys.values.utf7 import decoded

LETTERS = 26
MOST = 1 << 20  # characters of such a list
SECONDS = 1800  # that Dovecot may take with one folder
LIST = "dovecot-keywords"  # "0 name", a line each
Found = dict[str, dict[str, dict[str, list[int]]]]  # by address, folder and keyword: UIDs


def found(staged: Path) -> Found:
    """Those of all mailboxes that are staged below ``staged``."""
    told: Found = {}
    for place in stores(staged):
        address = f"{place.name}@{place.parent}"
        if others := of(address, staged / place):
            told[address] = others
    return told


def of(login: str, home: Path) -> dict[str, dict[str, list[int]]]:
    """Those of one mailbox that is staged as ``home``, by folder."""
    told = {}
    for folder in folders(home):
        lettered = _lettered(home / folder / LIST)
        if len(lettered) >= LETTERS:
            name = decoded(folder.removeprefix("Maildir").removeprefix("/.").replace(".", "/")) or "INBOX"
            if others := _others(doveadm("-f", "tab", "fetch", "-u", login, "uid flags", "mailbox", name), lettered):
                told[name] = others
    return told


def _lettered(path: Path) -> set[str]:
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), encoding="utf-8") as file:  # a link is no list
            return {line.partition(" ")[2] for line in file.read(MOST).splitlines()}
    except OSError:
        return set()


def _others(told: str, lettered: set[str]) -> dict[str, list[int]]:
    """``told``: a line for each message, its UID and its flags."""
    known: dict[str, list[int]] = {}
    for line in told.splitlines()[1:]:
        uid, _, flags = line.partition("\t")
        for word in flags.split():
            if not word.startswith("\\") and word not in lettered:
                known.setdefault(word, []).append(int(uid))
    return known


def put(known: Mapping[str, Mapping[str, Mapping[str, list[int]]]]) -> None:
    """Give the messages their keywords."""
    for address, name, word, uids in _each(known):
        doveadm("flags", "add", "-u", address, word, "mailbox", name, "uid", ",".join(map(str, uids)))


def _each(known: Mapping[str, Mapping[str, Mapping[str, list[int]]]]) -> Iterator[tuple[str, str, str, list[int]]]:
    for address, names in known.items():
        for name, words in names.items():
            for word, uids in words.items():
                yield address, name, word, uids


def doveadm(*words: str) -> str:
    """What it prints; nothing where it fails, since no message hangs on it."""
    environment = {"PATH": PATH, "LC_ALL": "C.UTF-8"}
    try:
        return subprocess.run(
            ["doveadm", *words], capture_output=True, text=True, env=environment, check=False, timeout=SECONDS
        ).stdout
    except subprocess.TimeoutExpired:
        return ""
