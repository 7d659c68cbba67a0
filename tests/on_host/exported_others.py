"""A Mail-in-a-Box and a mailcow, exported, laid out as they lay their things out; a host that is the old server and the
new one at once, so that the commands of docs/adopting.md can be typed there."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from lab.mailhost import MailHost
from tests.on_host import exported
from tests.on_host.exported import HASHES, Expected

# Both projects hash so; the passwords are those of exported's.
_SHA512, _BLF = HASHES["tito@alt.example"], HASHES["sri@more.example"]
BOXED = {"tito@boxed.example": "geheim eins", "iqbal@second.example": "geheim eins"}
COW = {"sri@cow.example": "geheim drei", "ana@cow.example": "geheim drei"}
AWAY = "ana@cow.example"  # who may not log in, and whose mail arrives
BOX, VOLUME = "/home/user-data/mail", "/var/lib/docker/volumes/mailcowdockerized_vmail-vol-1/_data"
# rsync reaches the new host by it, and docker answers as far as the page asks it here.
_NEAR = """#!/bin/sh
[ "$1" != -l ] || shift 2
shift
exec sh -c "$*"
"""
_DOCKER = f"""#!/bin/sh
case "$*" in
'compose stop') exit 0 ;;
'volume inspect -f {{{{ .Mountpoint }}}} mailcowdockerized_vmail-vol-1') echo {VOLUME} ;;
*) exit 1 ;;
esac
"""
_BOX = """CREATE TABLE users (id INTEGER PRIMARY KEY AUTOINCREMENT, email TEXT NOT NULL UNIQUE, password TEXT NOT NULL,
    extra, privileges TEXT NOT NULL DEFAULT '', quota TEXT NOT NULL DEFAULT '0');
CREATE TABLE aliases (id INTEGER PRIMARY KEY AUTOINCREMENT, source TEXT NOT NULL UNIQUE, destination TEXT NOT NULL,
    permitted_senders TEXT);
CREATE TABLE mfa (id INTEGER PRIMARY KEY AUTOINCREMENT, user_id INTEGER NOT NULL, type TEXT NOT NULL,
    secret TEXT NOT NULL, mru_token TEXT, label TEXT);
CREATE TABLE auto_aliases (id INTEGER PRIMARY KEY AUTOINCREMENT, source TEXT NOT NULL UNIQUE, destination TEXT NOT NULL,
    permitted_senders TEXT);
INSERT INTO aliases (source, destination) VALUES ('administrator@box.boxed.example', 'tito@boxed.example'),
    ('info@boxed.example', 'tito@boxed.example,iqbal@second.example');
INSERT INTO auto_aliases (source, destination) VALUES
    ('admin@boxed.example', 'administrator@box.boxed.example'),
    ('postmaster@boxed.example', 'administrator@box.boxed.example');
"""
_COW = {
    "domain": "domain\tdescription\tbackupmx\tactive\ncow.example\tOurs\t0\t1\n",
    "mailbox": "username\tpassword\tname\tquota\tkind\tauthsource\tattributes\tactive\n"
    f"sri@cow.example\t{_BLF}\tSri\t3221225472\t\tmailcow\t{{}}\t1\n{AWAY}\t{_BLF}\tAna\t0\t\tmailcow\t{{}}\t2\n",
    "alias": "id\taddress\tgoto\tdomain\tinternal\tactive\n1\tsri@cow.example\tsri@cow.example\tcow.example\t0\t1\n"
    "2\tsales@cow.example\tsri@cow.example\tcow.example\t0\t1\n",
    "alias_domain": "alias_domain\ttarget_domain\tactive\ncow.invalid\tcow.example\t1\n",
}


def prepare(host: MailHost) -> str:
    """Programs that the page's commands call; the words to put before them."""
    host.run("command -v rsync >/dev/null || { apt-get update -qq && apt-get install -y -qq rsync; }", timeout=300)
    host.write("/root/near", _NEAR, "0755")
    host.write("/usr/local/bin/docker", _DOCKER, "0755")
    return "set -e; export RSYNC_RSH=/root/near; umask 022\n"


def box(host: MailHost, tmp: Path) -> dict[str, Expected]:
    """What a Mail-in-a-Box keeps below BOX; what is in it, by person. ``tmp``: an empty directory here."""
    with closing(sqlite3.connect(tmp / "users.sqlite")) as database:
        database.executescript(_BOX)
        for address in BOXED:
            database.execute("INSERT INTO users (email, password, quota) VALUES (?, ?, '5G')", (address, _SHA512))
        database.commit()
    exported.config(tmp / "other")
    found = exported.mail_data(host, f"{BOX}/mailboxes", BOXED)
    host.write(f"{BOX}/users.sqlite", (tmp / "users.sqlite").read_bytes())
    host.write(f"{BOX}/dkim/mail.private", (tmp / "other" / exported.KEY).read_bytes())
    host.write(f"{BOX}/sieve/boxed.example/tito/orders.sieve", exported.SCRIPT)
    host.run(f"cd {BOX}/sieve/boxed.example && ln -s tito/orders.sieve tito.sieve && chown -Rh mail:mail {BOX}")
    return found


def cow(host: MailHost, export: Path) -> dict[str, Expected]:
    """mailcow's tables in ``export`` as the page has them printed, and what its Dovecot wrote into its volume."""
    export.mkdir()
    for table, text in _COW.items():
        (export / f"{table}.tsv").write_text(text, encoding="utf-8")
    return exported.mail_data(host, f"{VOLUME}/plain", COW)
