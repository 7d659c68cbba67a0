"""A person as Roundcube's database knows them. It is asked as its owner, who may not be led astray as root could be."""

from __future__ import annotations

import os
import subprocess
import sys

_AS = """import sqlite3, sys
path, word, *names = sys.argv[1:]
with sqlite3.connect(path, timeout=30) as database:
    known = [one for one, in database.execute("select user_id from users where username = ?", names[:1])]
    if word in ("rename", "hand-over"):
        taken = database.execute("select 1 from users where username = ?", names[1:]).fetchone()
        if known and not taken:
            database.execute("update users set username = ? where username = ?", (names[1], names[0]))
            print("done")
        if word == "hand-over" and not taken:
            for user in known:
                told = (names[1], names[0], user)
                database.execute("update identities set email = ? where email = ? and user_id = ?", told)
    for user in known if word == "delete" else ():
        tables = [one for one, in database.execute("select name from sqlite_master where type = 'table'")]
        columns = {one: [row[1] for row in database.execute(f"pragma table_info({one})")] for one in tables}
        for one in tables:
            if "contactgroup_id" in columns[one] and "user_id" not in columns[one]:
                groups = "select contactgroup_id from contactgroups where user_id = ?"
                database.execute(f"delete from {one} where contactgroup_id in ({groups})", (user,))
        for one in tables:
            if "user_id" in columns[one]:
                database.execute(f"delete from {one} where user_id = ?", (user,))
"""


def renamed(path: str, old: str, new: str) -> bool:
    """Whether ``old`` is ``new`` now, with settings and address book. Nobody's are who is called so already."""
    return _asked(path, "rename", old, new)


def handed_over(path: str, old: str, new: str) -> bool:
    """The same for somebody who writes from ``new`` from now on: of identities only the names are people's choice."""
    return _asked(path, "hand-over", old, new)


def deleted(path: str, name: str) -> None:
    """With all that is theirs."""
    _asked(path, "delete", name)


def _asked(path: str, *words: str) -> bool:
    """Whether the database did as the words say."""
    if not os.path.isfile(path):
        return False
    owner = os.stat(path)
    done = subprocess.run(
        [sys.executable, "-I", "-c", _AS, path, *words],
        user=owner.st_uid, group=owner.st_gid, extra_groups=[], cwd="/",
        stdin=subprocess.DEVNULL, capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode:
        raise OSError(f"{path}: {(done.stderr.strip().splitlines() or ['no reason given'])[-1]}")
    return done.stdout.strip() == "done"
