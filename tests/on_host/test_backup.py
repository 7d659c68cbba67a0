"""A host is lost, and comes back on a bare one: every message, flag and UID, keys, passwords, what was on its way."""

from __future__ import annotations

import hashlib
import imaplib
import json
import re
import shlex
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from facts.watch import PROGRAM
from lab.mailhost import MailHost
from lab.pyinfra import Run
from lab.waiting import wait_until
from tests.on_host import poppassd
from tests.on_host.conftest import StartHost
from tests.on_host.converged import Converged
from tests.on_host.post import arrived, compose, mailbox, submit
from tests.on_host.settings import ANA, IQBAL, TITO, example
from tests.on_host.signatures import dns_of, valid

pytestmark = pytest.mark.host

NEW_RELEASE = "debian-13"
TEAM = "team@example.com"
CHOSEN = "seventeen quiet herons"
PAGE = (Path(__file__).parents[2] / "docs" / "backup.md").read_text(encoding="utf-8")
TOLD = f"doveadm -f flow fetch -u {TITO} text mailbox '*' all"
SECRET = "the password of the backups"
REPOSITORY = "/srv/backups"
# As an IMAP client names them (RFC 3501, 5.1.3): one deep, with an ampersand, one with an umlaut and in Chinese.
FOLDERS = ("Work", "Work/2026/Q4 &- so on", "Entw&APw-rfe &U,BTFw-")
MANY = [f"keyword{number}" for number in range(30)]  # more than a Maildir has letters for
RULE = 'require "fileinto"; if header :contains "subject" "order" { fileinto "Orders"; }'
KEYS = "cd /var/lib/rspamd/dkim && sha256sum * && sha256sum </etc/ssl/posthaus/ca/ca.pem"


def declared(**more: Any) -> dict[str, Any]:
    """The usual settings with a backup, and a mailbox that two people share."""
    backup = {"repository": REPOSITORY, "password": {"file": "backup.password"}, "keep": {"daily": 3}}
    settings = example(backup=backup, **more)
    settings["mailboxes"] = settings["mailboxes"] | {TEAM: {"members": [TITO, IQBAL]}}
    return settings


def converge(host: MailHost, settings: dict[str, Any]) -> Run:
    host.site.mkdir(mode=0o700, parents=True, exist_ok=True)
    (host.site / "backup.password").write_text(f"{SECRET}\n")
    run = host.converge(settings)
    assert run.rc == 0, run.output
    return run


@dataclass(frozen=True)
class Folder:
    """All that an IMAP client can see of one; ``messages``: (flags, date, SHA-256) by UID."""

    validity: int
    next_uid: int
    messages: dict[int, tuple[frozenset[str], str, str]]


def folders(client: imaplib.IMAP4) -> list[str]:
    lines = [line.decode() for line in client.list()[1] if isinstance(line, bytes)]
    there = [line for line in lines if not re.match(r"\([^)]*\\(noselect|nonexistent)", line, re.I)]
    return [re.sub(r'^.*"/" "?|"$', "", line) for line in there]


def seen(host: MailHost, login: str, password: str, but: str = "") -> dict[str, Folder]:
    """Every folder of ``login``, but those that begin with ``but``."""
    with mailbox(host, login, password) as client:
        names = [name for name in folders(client) if not but or not name.startswith(but)]
        return {name: _folder(client, name) for name in names}


def _folder(client: imaplib.IMAP4, name: str) -> Folder:
    client.select(f'"{name}"', readonly=True)
    validity, following = (int(client.response(word)[1][0]) for word in ("UIDVALIDITY", "UIDNEXT"))
    found = {}
    for answer in client.uid("FETCH", "1:*", "(FLAGS INTERNALDATE BODY.PEEK[])")[1]:
        if isinstance(answer, tuple):
            about = answer[0].decode()
            (uid,), (flags,), (date,) = (
                re.findall(pattern, about)
                for pattern in (r"UID (\d+)", r"FLAGS \(([^)]*)\)", r'INTERNALDATE "([^"]*)"')
            )
            kept = frozenset(flags.split()) - {"\\Recent"}
            found[int(uid)] = (kept, date, hashlib.sha256(answer[1]).hexdigest())
    return Folder(validity, following, found)


def fill(host: MailHost) -> None:
    """Messages with flags and keywords in folders of all kinds, a rule, what people chose, one message on its way."""
    with mailbox(host, IQBAL, host.password(IQBAL)) as client:
        for name in FOLDERS:
            client.create(f'"{name}"')
            client.subscribe(f'"{name}"')
            for number in range(12):
                flags = (None, r"(\Seen)", r"(\Flagged \Answered \Seen)", r"($Forwarded receipts)")[number % 4]
                client.append(f'"{name}"', flags, '"20-Nov-2025 10:11:12 +0100"', compose(IQBAL).as_bytes())
        for number in range(30):
            client.append("INBOX", r"(\Seen)" if number % 2 else None, None, compose(IQBAL, number * 300).as_bytes())
        client.select("INBOX")
        client.store("3:5", "+FLAGS", r"(\Deleted)")
        client.expunge()
        client.store("1:2", "+FLAGS", f"({' '.join(MANY)})")
    with mailbox(host, TITO, host.password(TITO)) as client:
        client.append(f"shared/{TEAM}", r"(\Flagged)", None, compose(TEAM).as_bytes())
    with mailbox(host, ANA, host.password(ANA)) as client:
        for _ in range(200):  # for those who move them around
            client.append("INBOX", None, None, compose(ANA).as_bytes())
        client.create("Moved")
    host.run(f"doveadm sieve put -u {IQBAL} -a rules", input=RULE)
    assert poppassd.ask(host, TITO, host.password(TITO), f"newpass {CHOSEN}").startswith("200")
    host.run("mkdir -p /var/lib/squirrelmail/data; echo full_name=Iqbal >/var/lib/squirrelmail/data/iqbal.pref")
    # nothing takes messages there: the engine's end of the host's network
    gateway = host.run("ip route | awk '/^default/ {print $3; exit}'").stdout.strip()
    host.run(f'echo on its way | sendmail -f {TITO} "somebody@[{gateway}]"')


ENOUGH = 300


class People:
    """Somebody moves messages to and fro, sets flags and deletes, from ``with`` on until its end."""

    def __init__(self, host: MailHost) -> None:
        self.host, self.stop, self.moved = host, threading.Event(), 0
        self.error: Exception | None = None
        self.thread = threading.Thread(target=self._work)

    def __enter__(self) -> People:
        self.thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop.set()
        self.thread.join(60)
        assert not self.error, self.error
        assert self.moved > 0

    def _work(self) -> None:
        try:
            with mailbox(self.host, ANA, self.host.password(ANA)) as client:
                while not self.stop.is_set():
                    for source, target in (("INBOX", "Moved"), ("Moved", "INBOX")):
                        client.select(source)
                        client.store("1:10", "+FLAGS", r"(\Seen)")
                        client.store("1:10", "-FLAGS", r"(\Seen)")
                        client._simple_command("MOVE", "1:20", target)
                        if self.moved < ENOUGH:  # she may keep two megabytes
                            client.append(source, None, None, compose(ANA).as_bytes())
                        self.moved += 1
        except Exception as error:
            self.error = error


def bodies(found: dict[str, Folder]) -> set[str]:
    return {digest for folder in found.values() for _, _, digest in folder.messages.values()}


# What a run makes on a bare host, and the user that owns mail.
BARE = (
    "systemctl stop dovecot postfix posthaus-redis rspamd apache2; userdel -f vmail; groupdel vmail;"
    " rm -rf /var/mail/vhosts /var/lib/posthaus-probe /etc/ssl/posthaus /var/lib/rspamd/dkim"
    " /var/lib/posthaus/dkim /var/lib/posthaus-redis/* /var/lib/squirrelmail/data/* /var/lib/posthaus-account/*"
)


@pytest.fixture
def bare(start_host: StartHost, converged: Converged) -> MailHost:
    """A host of the newer release that lacks all that the lost one had, but for packages and settings."""
    host = converged.whole(start_host(NEW_RELEASE, image=converged.image(NEW_RELEASE)))
    host.run(BARE, check=False)
    return host


def as_written(host: MailHost, command: str, today: str = "") -> Run:
    """Run a command that stands in docs/backup.md, word for word, but for the day."""
    assert f"    pyinfra inventory.py {command}\n" in PAGE, command
    return host.pyinfra(*shlex.split(command.replace("2026-11-20", today)), "-y")


@pytest.mark.releases("debian-12")  # the bare one is of the newer release: both are tested
def test_a_lost_host_comes_back_on_a_bare_one(own_mail_host: MailHost, bare: MailHost):
    old = own_mail_host
    converge(old, declared())
    fill(old)
    people = {IQBAL: old.password(IQBAL), TITO: CHOSEN}
    before = {login: seen(old, login, password) for login, password in people.items()}
    there = bodies(seen(old, ANA, old.password(ANA)))
    keys = old.run(KEYS).stdout
    with People(old):
        run = as_written(old, "deploys/backup.py")
    assert run.rc == 0, run.output
    last = json.loads(old.read("/var/lib/posthaus/backup/last.json"))
    assert (last["failed"], last["last"]["queued"], last["last"]["mailboxes"]) == (None, 1, 4), last
    assert last["proved"]["messages"] + last["proved"]["gone"] > 0, "no mailbox was read back"
    assert SECRET not in old.run("journalctl -q -o cat; cat /var/log/*.log", check=False).stdout + run.output
    run = as_written(old, "deploys/backup.py --data list=yes")
    assert "1 backup of mail.example.com" in run.output, run.output
    one_mailbox_comes_back_beside_the_present_one(old)
    a_backup_that_fails_is_told(old)
    old.run(f"tar -C {REPOSITORY} -cf /root/backups.tar .")
    saved = old.read("/root/backups.tar")
    old.host.remove()

    bare.run(f"mkdir -p {REPOSITORY} && tar -C {REPOSITORY} -xf -", input=saved)
    converge(bare, declared(vmail={"uid": 6789}))
    assert bare.run(KEYS).stdout != keys
    run = bare.pyinfra("deploys/backup.py", "-y")
    assert (run.rc, "another installation" in run.output) == (1, True), run.output
    with mailbox(bare, IQBAL, bare.password(IQBAL)) as client:
        client.append("INBOX", r"(\Seen)", None, compose(IQBAL).as_bytes())
    run = as_written(bare, "deploys/restore.py")
    assert run.rc == 1
    assert f"hold messages that the backup has not: {IQBAL} (1); nothing was changed" in run.output, run.output
    run = as_written(bare, "deploys/restore.py --data newer=keep")
    assert run.rc == 0, run.output
    every_message_is_what_it_was(bare, before, people)
    assert there <= bodies(seen(bare, ANA, bare.password(ANA))), "a message that somebody moved meanwhile is lost"
    all_else_is_what_it_was(bare)
    assert bare.run(KEYS).stdout == keys
    assert as_written(bare, "deploys/mail.py").rc == 0
    assert bare.converge().changes == 0
    mail_flows_as_before(bare)
    assert bare.pyinfra("deploys/backup.py", "-y").rc == 0, "the next backup goes on where the last one ended"
    one_mailbox_comes_back_beside_the_present_one(bare)


def one_mailbox_comes_back_beside_the_present_one(host: MailHost) -> None:
    before = seen(host, IQBAL, host.password(IQBAL))
    today = host.run("date +%F").stdout.strip()
    run = as_written(host, f"deploys/restore.py --data mailbox={IQBAL} --data at=2026-11-20", today)
    assert run.rc == 0, run.output
    assert "Restored" in run.output
    found = seen(host, IQBAL, host.password(IQBAL))
    for name, folder in before.items():
        assert found[name] == folder, f"{name}: the present one is another"
        if not name.startswith("shared/"):
            back = found[f"Restored {today}/{name}"]
            assert lettered(back) == lettered(folder), name
    run = as_written(host, f"deploys/restore.py --data mailbox={IQBAL} --data folder=Work --data at=2026-11-20", today)
    assert run.rc == 0, run.output
    names = set(seen(host, IQBAL, host.password(IQBAL))) - set(found)
    assert names == {f"Restored {today} (2)/{name}" for name in FOLDERS[:2]}


def lettered(folder: Folder) -> list[tuple[str, str, frozenset[str]]]:
    """Its messages without keywords that no letter of a Maildir is left for."""
    return sorted((digest, date, flags - set(MANY)) for flags, date, digest in folder.messages.values())


def a_backup_that_fails_is_told(host: MailHost) -> None:
    """As where the disk that it goes to is not mounted."""
    host.run(f"mv {REPOSITORY} /root/away && systemctl start posthaus-backup.service; true", timeout=120)
    try:
        looks = host.run(f"python3 -I -B {PROGRAM} --json").stdout.splitlines()
        (found,) = [one for one in map(json.loads, looks) if one["key"] == "backup.last"]
        assert not found["ok"], found
        assert found["seen"].startswith("failed "), found
        wait_until(lambda: "last backup" in host.run(TOLD, check=False).stdout, 90, "the postmaster was not told")
        assert host.run(f"ls {REPOSITORY}", check=False).stdout == "", "another repository was made in its place"
    finally:
        host.run(f"mv -T /root/away {REPOSITORY}")


def every_message_is_what_it_was(host: MailHost, before: dict[str, dict[str, Folder]], people: dict[str, str]) -> None:
    for login, folders_before in before.items():
        after = seen(host, login, people[login])
        for name, folder in folders_before.items():
            now = after[name]
            assert now.validity == folder.validity, (login, name)
            assert now.next_uid >= folder.next_uid + 1000, "a UID that somebody has seen may be given out again"
            assert {uid: now.messages.get(uid) for uid in folder.messages} == folder.messages, (login, name)
            came_since = login == IQBAL and name == "INBOX"
            assert len(now.messages) == len(folder.messages) + came_since, (login, name)
    assert host.run("find /var/mail/vhosts ! -user vmail").stdout == ""


def all_else_is_what_it_was(host: MailHost) -> None:
    with mailbox(host, IQBAL, host.password(IQBAL)) as client:
        subscribed = [line.decode() for line in client.lsub()[1]]
        assert all(any(f'"{name}"' in line or line.endswith(f" {name}") for line in subscribed) for name in FOLDERS)
    assert host.run("cat /var/mail/vhosts/example.com/iqbal/sieve/rules.sieve").stdout.strip() == RULE
    assert "rules ACTIVE" in host.run(f"doveadm sieve list -u {IQBAL}").stdout
    assert host.run("cat /var/lib/squirrelmail/data/iqbal.pref").stdout == "full_name=Iqbal\n"
    with pytest.raises(imaplib.IMAP4.error), mailbox(host, TITO, host.password(TITO)):
        pass  # he has chosen another
    assert [json.loads(one)["queue_name"] for one in host.run("postqueue -j").stdout.splitlines()] == ["hold"]


def mail_flows_as_before(host: MailHost) -> None:
    message = compose(IQBAL, sender=TITO)
    assert submit(host, TITO, CHOSEN, TITO, IQBAL, message) == 250
    came = arrived(host, IQBAL, host.password(IQBAL), message["Subject"], seconds=60)
    assert came is not None
    assert {domain for domain, _ in valid(came.as_bytes(), dns_of(host))} == {"example.com"}
