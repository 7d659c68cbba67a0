"""A host is lost, and comes back on a bare one: every message, flag and UID, keys, passwords, what was on its way."""

from __future__ import annotations

import imaplib
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from facts.watch import PROGRAM
from lab.mailhost import MailHost
from lab.pyinfra import Run
from lab.waiting import wait_until
from tests.on_host import poppassd
from tests.on_host.backups import (
    MANY,
    REPOSITORY,
    SECRET,
    TEAM,
    Folder,
    as_written,
    bodies,
    converge,
    declared,
    filled,
    seen,
)  # fmt: skip
from tests.on_host.conftest import StartHost
from tests.on_host.converged import Converged
from tests.on_host.post import arrived, compose, mailbox, submit
from tests.on_host.settings import ANA, IQBAL, TITO
from tests.on_host.signatures import dns_of, valid

pytestmark = pytest.mark.host

OLD_RELEASE, NEW_RELEASE = "debian-12", "debian-13"
CHOSEN = "seventeen quiet herons"
TOLD = f"doveadm -f flow fetch -u {TITO} text mailbox '*' all"
# As an IMAP client names them (RFC 3501, 5.1.3): one deep, with an ampersand, one with an umlaut and in Chinese, one
# with all that means something to a shell, and a smile.
FOLDERS = ("Work", "Work/2026/Q4 &- so on", "Entw&APw-rfe &U,BTFw-", "It's ~odd; $(id) [a-z] &2D3eQg-")
RULE = 'require "fileinto"; if header :contains "subject" "order" { fileinto "Orders"; }'
KEYS = "cd /var/lib/rspamd/dkim && sha256sum * && sha256sum </etc/ssl/posthaus/ca/ca.pem"


REDIS = "redis-cli -s /run/posthaus-redis/redis.sock"  # what the spam filter has learned


def fill(host: MailHost) -> None:
    """Messages with flags and keywords in folders of all kinds, a rule, what people chose, one message on its way."""
    with mailbox(host, IQBAL, host.password(IQBAL)) as client:
        filled(client, FOLDERS, 12, 30)
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
    assert host.run(f"{REDIS} set learned yes").stdout == "OK\n"
    # nothing takes messages there: the engine's end of the host's network
    gateway = host.run("ip route | awk '/^default/ {print $3; exit}'").stdout.strip()
    host.run(f'echo on its way | sendmail -f {TITO} "somebody@[{gateway}]"')


# Each with flags and keywords of its own kind: in folders that fill() made, whose first two keywords have a and b.
MANY_MESSAGES = """import os
home = "/var/mail/vhosts/example.com/iqbal/Maildir/"
places = ["", ".Work/", ".Work.2026.Q4 &- so on/", ".Entw&APw-rfe &U,BTFw-/", ".It's ~odd; $(id) [a-z] &2D3eQg-/"]
for number in range(20_000):
    size = number * number % 5_000
    text = b"From: a@outside.example\\nSubject: %d\\n\\n" % number + b"A line of the message.\\n" * (1 + size // 22)
    about = f",S={len(text)},W={len(text) + text.count(10)}:2,{['', 'S', 'FS', 'RSa', 'FRSab'][number // 5 % 5]}"
    path = home + places[number % 5] + f"cur/{1700000000 + number}.M{number}P1.mail{about}"
    with open(path, "wb") as file:
        file.write(text)
    os.utime(path, (1600000000 + 60 * number,) * 2)
"""
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


# What a run makes on a bare host, and the user that owns mail.
BARE = (
    "systemctl stop dovecot postfix posthaus-redis rspamd apache2; userdel -f vmail; groupdel vmail;"
    " rm -rf /var/mail/vhosts /var/lib/posthaus-probe /etc/ssl/posthaus /var/lib/rspamd/dkim"
    " /var/lib/posthaus/dkim /var/lib/posthaus-redis/* /var/lib/squirrelmail/data/* /var/lib/posthaus-account/*"
)


Bare = Callable[[str], MailHost]


@pytest.fixture
def bare(start_host: StartHost, converged: Converged) -> Bare:
    """Start a host of a release that lacks all that the lost one had, but for packages and settings."""

    def start(release: str) -> MailHost:
        host = converged.whole(start_host(release, image=converged.image(release)))
        host.run(BARE, check=False)
        return host

    return start


@pytest.mark.releases(OLD_RELEASE)  # the bare one is of the newer release: both are tested
def test_a_lost_host_comes_back_on_a_bare_one(own_mail_host: MailHost, bare: Bare):
    old = own_mail_host
    converge(old, declared())
    fill(old)
    lost = remembered(old)
    run = backed_up_while_people_work(old)
    last = json.loads(old.read("/var/lib/posthaus/backup/last.json"))
    assert (last["failed"], last["last"]["queued"], last["last"]["mailboxes"]) == (None, 1, 4), last
    dovecot_has_opened_a_sample(old)
    assert SECRET not in old.run("journalctl -q -o cat; cat /var/log/*.log", check=False).stdout + run.output
    run = as_written(old, "deploys/backup.py --data list=yes")
    assert "1 backup of mail.example.com" in run.output, run.output
    assert f"  {last['last']['mailboxes']:>9}  {last['last']['messages']:>9,}  " in run.output, run.output
    what_there_is_to_bring_back_is_told(old)
    a_lock_of_a_run_that_died_is_taken_away(old)
    one_mailbox_comes_back_beside_the_present_one(old)
    a_backup_that_fails_is_told(old)
    new = in_its_place(old, bare(NEW_RELEASE))
    run = new.pyinfra("deploys/backup.py", "-y")
    assert (run.rc, "another installation" in run.output) == (1, True), run.output
    with mailbox(new, IQBAL, new.password(IQBAL)) as client:
        client.append("INBOX", r"(\Seen)", None, compose(IQBAL).as_bytes())
    run = as_written(new, "deploys/restore.py")
    assert run.rc == 1
    assert f"hold messages that the backup has not: {IQBAL} (1); nothing was changed" in run.output, run.output
    it_comes_back(new, lost, came_since=1)
    assert new.run(f"{REDIS} get learned").stdout == "yes\n"
    one_mailbox_comes_back_beside_the_present_one(new)


@pytest.mark.long
@pytest.mark.releases(NEW_RELEASE)
def test_twenty_thousand_messages_come_back_on_a_host_of_an_older_release(own_mail_host: MailHost, bare: Bare):
    old = own_mail_host
    converge(old, declared())
    fill(old)
    old.run("python3 -", input=MANY_MESSAGES)
    old.run(f"chown -R vmail: /var/mail/vhosts && doveadm index -u {IQBAL} '*'")
    lost = remembered(old)
    assert sum(len(folder.messages) for folder in lost.before[IQBAL].values()) > 20_000
    backed_up_while_people_work(old)
    new = in_its_place(old, bare(OLD_RELEASE))
    run = it_comes_back(new, lost, came_since=0)
    assert "the older programs of this host cannot read it: /var/lib/posthaus-redis/learned.rdb" in run.output
    assert new.run(f"{REDIS} ping").stdout == "PONG\n"


@dataclass(frozen=True)
class Lost:
    """What a host was: passwords by login, folders by login, what Ana has, and digests of keys."""

    people: dict[str, str]
    before: dict[str, dict[str, Folder]]
    hers: set[str]
    keys: str


def remembered(host: MailHost) -> Lost:
    people = {IQBAL: host.password(IQBAL), TITO: CHOSEN}
    before = {login: seen(host, login, password) for login, password in people.items()}
    return Lost(people, before, bodies(seen(host, ANA, host.password(ANA))), host.run(KEYS).stdout)


def backed_up_while_people_work(host: MailHost) -> Run:
    with People(host):
        run = as_written(host, "deploys/backup.py")
    assert run.rc == 0, run.output
    return run


def in_its_place(old: MailHost, new: MailHost) -> MailHost:
    """The old one is lost, but for its backups; the new one is converged, and its owner of mail has another number."""
    old.run(f"tar -C {REPOSITORY} -cf /root/backups.tar .")
    saved = old.read("/root/backups.tar")
    keys = old.run(KEYS).stdout
    old.host.remove()
    new.run(f"mkdir -p {REPOSITORY} && tar -C {REPOSITORY} -xf -", input=saved)
    converge(new, declared(vmail={"uid": 6789}))
    assert new.run(KEYS).stdout != keys
    return new


def it_comes_back(host: MailHost, lost: Lost, came_since: int) -> Run:
    restored = run = as_written(host, "deploys/restore.py --data newer=keep")
    assert run.rc == 0, run.output
    every_message_is_what_it_was(host, lost, came_since)
    assert lost.hers <= bodies(seen(host, ANA, host.password(ANA))), "a message that somebody moved meanwhile is lost"
    all_else_is_what_it_was(host)
    assert host.run(KEYS).stdout == lost.keys
    assert as_written(host, "deploys/mail.py").rc == 0
    assert host.converge().changes == 0
    mail_flows_as_before(host)
    assert host.pyinfra("deploys/backup.py", "-y").rc == 0, "the next backup goes on where the last one ended"
    dovecot_has_opened_a_sample(host)
    return restored


def dovecot_has_opened_a_sample(host: MailHost) -> None:
    """Of the host's first backup; each release has another Dovecot."""
    proved = json.loads(host.read("/var/lib/posthaus/backup/last.json"))["proved"]
    assert proved["opened"] == proved["messages"] + proved["gone"] > 0, proved
    assert not host.run("ls -d /var/tmp/posthaus-restore-*", check=False).stdout, "the sample is still there"


def what_there_is_to_bring_back_is_told(host: MailHost) -> None:
    number = len(seen(host, IQBAL, host.password(IQBAL), but="shared/")["Work"].messages)
    run = as_written(host, "deploys/backup.py --data list=yes --data mailbox=iqbal@example.com")
    assert "1 backup of mail.example.com, with what iqbal@example.com has in each" in run.output, run.output
    run = as_written(host, "deploys/restore.py --data look=yes")
    assert (run.rc, "nothing was changed" in run.output) == (0, True), run.output
    assert "/var/lib/posthaus/dkim" in run.output, "which keys come back"
    run = as_written(host, "deploys/restore.py --data look=yes --data mailbox=iqbal@example.com --data folder=Work")
    work = [line.split() for line in run.output.splitlines() if "Restored" in line]
    assert (work[0][-2].partition("/")[2], work[0][-1]) == ("Work", str(number)), run.output
    assert len(work) == 2, "Work, and the folder below it"
    assert "Restored" not in host.run(f"doveadm mailbox list -u {IQBAL}").stdout


# A lock is there once it has its name; one that is still being written (NAME-tmp-NUMBER) holds nobody up.
LOCKS = f"ls {REPOSITORY}/locks | grep -v -e -tmp-"
# Someone else's prune, check or forget, which died while it had all of the repository for itself.
DEAD = f"""cd / && R="restic -r {REPOSITORY} --password-file /etc/posthaus-backup/password"
$R check --read-data >/dev/null 2>&1 &
until {LOCKS} | grep -q .; do kill -0 $! || break; done
kill -9 $!
{LOCKS}"""


def a_lock_of_a_run_that_died_is_taken_away(host: MailHost) -> None:
    """One of them is seen before it is over; the one that checks does so within seconds, at the latest by the tenth."""
    assert any(host.run(DEAD, check=False).stdout for _ in range(10))
    run = host.pyinfra("deploys/restore.py", "-y", "--data", f"mailbox={ANA}", "--data", "folder=Moved")
    assert run.rc == 0, run.output
    assert host.run(LOCKS, check=False).stdout == ""


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
            assert contents(back) == contents(folder), name
    run = as_written(host, f"deploys/restore.py --data mailbox={IQBAL} --data folder=Work --data at=2026-11-20", today)
    assert run.rc == 0, run.output
    names = set(seen(host, IQBAL, host.password(IQBAL))) - set(found)
    assert names == {f"Restored {today} (2)/{name}" for name in FOLDERS[:2]}


def contents(folder: Folder) -> list[tuple[str, str, frozenset[str]]]:
    """Its messages, whatever their UIDs."""
    return sorted((digest, date, flags) for flags, date, digest in folder.messages.values())


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


def every_message_is_what_it_was(host: MailHost, lost: Lost, came_since: int) -> None:
    for login, folders_before in lost.before.items():
        after = seen(host, login, lost.people[login])
        for name, folder in folders_before.items():
            now = after[name]
            assert now.validity == folder.validity, (login, name)
            assert now.next_uid >= folder.next_uid + 1000, "a UID that somebody has seen may be given out again"
            assert {uid: now.messages.get(uid) for uid in folder.messages} == folder.messages, (login, name)
            new = came_since if (login, name) == (IQBAL, "INBOX") else 0
            assert len(now.messages) == len(folder.messages) + new, (login, name)
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
