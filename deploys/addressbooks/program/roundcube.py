"""Roundcube's address books: a table of its database, in one transaction a person. Rows are added; none is touched."""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
import unicodedata
from collections.abc import Iterable

from deploys.addressbooks.program.rows import Contact, Failed, Told, key, lacking

USER = "roundcube"
SERVER = "127.0.0.1"  # which Roundcube keeps with each user
SECONDS = 30.0  # how long to wait for whoever writes
_CONFIGURATION = "/etc/posthaus-roundcube"
# As at a first login: the user, and the identity that mail is sent as.
_CREATE = b"""<?php
define('INSTALL_PATH', '/var/lib/roundcube/');
require_once INSTALL_PATH . 'program/include/clisetup.php';
exit(rcube_user::create($argv[1], $argv[2]) ? 0 : 1);
"""


def add(database: str, address: str, contacts: Iterable[Contact]) -> Told:
    """Add to the address book of ``address`` what it lacks. Failed, OSError, sqlite3.Error: nothing was added."""
    told = Told()
    opened = sqlite3.connect(f"file:{database}?mode=rw", uri=True, timeout=SECONDS, isolation_level=None)
    try:
        user = _user(opened, address)
        if user is None:
            _create(address)
            user = _user(opened, address)
        if user is None:
            raise Failed("has never logged in at Roundcube, which keeps nothing of them yet; run this after they have")
        opened.execute("BEGIN IMMEDIATE")
        known = _known(opened, user)
        for one in contacts:
            kinds = dict(one["emails"])
            new = lacking(one["name"], kinds, known)
            told.added += bool(new)
            told.there += not new
            if new:
                _insert(opened, user, one, {email: kinds[email] for email in new if email})
        opened.execute("COMMIT")
    finally:
        opened.close()  # takes back what is not committed
    return told


def _user(opened: sqlite3.Connection, address: str) -> int | None:
    found = opened.execute(
        "SELECT user_id FROM users WHERE lower(username) = ? ORDER BY mail_host = ? DESC", (address, SERVER)
    ).fetchone()
    return int(found[0]) if found else None


def _create(address: str) -> None:
    """Have Roundcube's own code do it."""
    done = subprocess.run(
        ["php", "--", address, SERVER], input=_CREATE, capture_output=True, cwd="/", timeout=60,
        env={"PATH": os.defpath, "ROUNDCUBE_CONFIG_DIR": _CONFIGURATION},
    )  # fmt: skip
    if done.returncode:
        why = " ".join((done.stderr + done.stdout).decode("utf-8", "replace").split())[-300:]
        raise Failed(f"has never logged in at Roundcube, which does not make them known by itself: {why}")


def _known(opened: sqlite3.Connection, user: int) -> set[tuple[str, str]]:
    rows = opened.execute("SELECT name, email FROM contacts WHERE user_id = ? AND del = 0", (user,))
    return {key(name, email) for name, emails in rows for email in emails.split(",")}


def _insert(opened: sqlite3.Connection, user: int, one: Contact, emails: dict[str, str]) -> None:
    """As rcube_contacts::insert does; its ``vcard`` is what Roundcube shows, the others are what it searches."""
    lines = "".join(
        f"EMAIL;TYPE=INTERNET{f',{kind}' if kind else ''}:{_escaped(email)}\r\n" for email, kind in emails.items()
    )
    texts = (one["name"], one["first"], one["last"], one["nickname"], one["label"], *emails)
    opened.execute(
        "INSERT INTO contacts (user_id, changed, del, name, email, firstname, surname, vcard, words)"
        " VALUES (?, datetime('now'), 0, ?, ?, ?, ?, ?, ?)",
        (
            user,
            one["name"][:128],
            ",".join(emails),
            one["first"][:128],
            one["last"][:128],
            f"{one['lines']}{lines}END:VCARD",
            words(" ".join(texts)),
        ),
    )


def _escaped(text: str) -> str:
    return re.sub(r"([\\,;])", r"\\\1", text)


def words(text: str) -> str:
    """Each once, in small letters without accents."""
    bare = "".join(one for one in unicodedata.normalize("NFKD", text) if not unicodedata.combining(one)).lower()
    return " ".join(dict.fromkeys(one for one in re.findall(r"[\w@.+-]+", bare) if len(one) > 1))
