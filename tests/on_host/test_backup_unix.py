"""Unix users' mail is kept, and comes back to homes with other numbers; nobody's links lead where they may not go."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from deploys.config.password import unix
from lab.mailhost import MailHost
from lab.waiting import wait_until
from tests.on_host.backups import MANY, PROGRAM, REPOSITORY, Folder, as_written, bodies, converge, filled, seen
from tests.on_host.post import arrived, compose, deliver, mailbox
from tests.on_host.settings import ANA, IQBAL, PASSWORDS, TITO, example
from tests.on_host.test_backup import People

pytestmark = pytest.mark.host

FOLDERS = ("Work", "Work/2026/Q4 &- so on", "It's ~odd; $(id) [a-z] &2D3eQg-")
RULE = 'require "fileinto"; if header :contains "subject" "order" { fileinto "Orders"; }'
HASH = unix("what nobody of them may read")
# What a person at the host may put where their mail lies, to have root read it, and bring it to them.
LINKS = (
    "cd ~ana/Maildir && su -s /bin/sh ana -c '"
    'ln -s /etc/shadow "cur/1700000000.M1P1.mail:2,S"; ln -s /etc/shadow dovecot-keywords; ln -s /etc .Etc;'
    " mkdir -p .Own/cur; ln -s /etc .Own/new; mkfifo cur/1700000001.M1P1.mail; ln -s /etc ../sieve;"
    " ln -s /etc/shadow ../.dovecot.lda-dupes'"
)
# How the child that works in somebody's home stands there, and what it says of itself.
AS_ANA = """import os, sys
sys.path.insert(0, "/usr/local/lib/posthaus-backup")
from deploys.components.backup.program import person
from deploys.components.backup.program.restic import Failed
print(person.run("ana", lambda: [os.getresuid(), os.getgroups(), os.stat("/proc/self/fd").st_uid]))
try:
    print(person.run("ana", lambda: open("/etc/shadow").read()))
except Failed as why:
    print(why)
"""


def declared(**more: Any) -> dict[str, Any]:
    people = {address: {"password": unix(PASSWORDS[address])} for address in (TITO, ANA)}
    settings = example(accounts="system", webmail=False, clients=False, aliases=None, catch_all=None, **more)
    settings["mailboxes"] = people | {IQBAL: {}}
    settings["backup"] = {"repository": REPOSITORY, "password": {"file": "backup.password"}}
    return settings


def begun(host: MailHost) -> dict[str, Folder]:
    """Unix users with mail; what Iqbal has."""
    converge(host, declared())
    host.run("chpasswd", input=f"iqbal:{PASSWORDS[IQBAL]}\n")
    host.run("useradd -m carla && chpasswd --encrypted", input=f"carla:{HASH}\n")
    with mailbox(host, IQBAL, PASSWORDS[IQBAL]) as client:
        filled(client, FOLDERS, 8, 12)
        client.store("1:2", "+FLAGS", f"({' '.join(MANY)})")
    with mailbox(host, ANA, PASSWORDS[ANA]) as client:
        for _ in range(60):
            client.append("INBOX", None, None, compose(ANA).as_bytes())
        client.create("Moved")
    host.run(f"doveadm sieve put -u {IQBAL} -a rules", input=RULE)
    host.run("echo 'a letter of hers' >/home/iqbal/private.txt && chown iqbal: /home/iqbal/private.txt")
    return seen(host, IQBAL, PASSWORDS[IQBAL])


@pytest.mark.releases("debian-13")
def test_unix_users_mail_comes_back_on_a_host_on_which_they_have_other_numbers(own_mail_host: MailHost):
    host = own_mail_host
    before = begun(host)
    hers = bodies(seen(host, ANA, PASSWORDS[ANA]))
    keys = host.run("sha256sum /var/lib/rspamd/dkim/*").stdout
    with People(host) as people:
        wait_until(lambda: people.moved > 1, 90, "nobody moves anything")
        run = as_written(host, "deploys/backup.py")
    assert run.rc == 0, run.output
    last = json.loads(host.read("/var/lib/posthaus/backup/last.json"))
    assert (last["failed"], last["last"]["unreadable"], last["last"]["copied"]) == (None, 0, 0), last
    assert host.run("ls -A /home").stdout.split() == ["ana", "carla", "iqbal", "tito"], "what was staged is still there"
    numbers = host.run("id -u ana iqbal tito").stdout
    lost(host)
    run = as_written(host, "deploys/restore.py")
    assert run.rc == 1
    waits = (
        r"mail waits for Unix users that are not here: ana \(\d+ messages\), iqbal \(36 messages\), tito \(0 messages\)"
    )
    assert re.search(waits, run.output), run.output
    assert "nothing was changed" in run.output, run.output
    assert host.converge().rc == 0
    assert host.run("sha256sum /var/lib/rspamd/dkim/*").stdout != keys
    host.run("chpasswd", input=f"iqbal:{PASSWORDS[IQBAL]}\n")
    assert host.run("id -u ana iqbal tito").stdout != numbers
    message = compose(IQBAL)
    assert deliver(host, IQBAL, message=message) == 250
    assert arrived(host, IQBAL, PASSWORDS[IQBAL], message["Subject"], seconds=60) is not None
    done = host.run(f"{PROGRAM} restore newest refuse", check=False)
    assert (done.returncode, "messages that the backup has not: iqbal (1)" in done.stderr) == (1, True), done.stderr
    run = as_written(host, "deploys/restore.py --data newer=keep")
    assert run.rc == 0, run.output
    everything_is_back(host, before, hers)
    assert host.run("sha256sum /var/lib/rspamd/dkim/*").stdout == keys
    assert host.converge().changes == 0
    takes_over_a_mailbox_from_elsewhere(host, seen(host, IQBAL, PASSWORDS[IQBAL]))


def lost(host: MailHost) -> None:
    """All but the repository; whoever comes first now has a number that was another's."""
    host.run(
        "systemctl stop dovecot postfix; userdel -r ana; userdel -r iqbal; userdel -r tito; useradd -m zoe;"
        " rm -rf /var/lib/rspamd/dkim/* /var/lib/posthaus/dkim /var/lib/posthaus/backup/installation"
    )


def everything_is_back(host: MailHost, before: dict[str, Folder], hers: set[str]) -> None:
    after = seen(host, IQBAL, PASSWORDS[IQBAL])
    for name, folder in before.items():
        assert after[name].validity == folder.validity, name
        assert after[name].next_uid >= folder.next_uid + 1000, "a UID that somebody has seen may be given out again"
        assert {uid: after[name].messages.get(uid) for uid in folder.messages} == folder.messages, name
        assert len(after[name].messages) == len(folder.messages) + (name == "INBOX"), name
    with mailbox(host, IQBAL, PASSWORDS[IQBAL]) as client:
        subscribed = b" ".join(line for line in client.lsub()[1] if isinstance(line, bytes)).decode()
    assert all(name in subscribed for name in FOLDERS), subscribed
    assert "rules ACTIVE" in host.run(f"doveadm sieve list -u {IQBAL}").stdout
    assert hers <= bodies(seen(host, ANA, PASSWORDS[ANA])), "a message that somebody moved meanwhile is lost"
    for login in ("ana", "iqbal", "tito"):
        assert host.run(f"find /home/{login} ! -user {login}").stdout == ""
    assert "private.txt" not in host.run("ls /home/iqbal").stdout, "what is no mail is not Posthaus's"


@pytest.mark.releases("debian-12")
def test_a_unix_users_mailbox_comes_back_beside_it_and_nobody_gets_what_they_may_not_read(own_mail_host: MailHost):
    host = own_mail_host
    before = begun(host)
    host.run(LINKS)
    run = as_written(host, "deploys/backup.py")
    assert run.rc == 0, run.output
    proved = json.loads(host.read("/var/lib/posthaus/backup/last.json"))["proved"]
    assert proved["opened"] == proved["messages"] + proved["gone"] > 0, proved
    nothing_of_roots_is_kept(host)
    comes_back_beside(host, before)
    nothing_of_roots_is_written(host)
    leaves_mail_yaml(host)


def nothing_of_roots_is_kept(host: MailHost) -> None:
    host.write("/root/hash", HASH + "\n", "0600")
    host.run(
        f"restic -r {REPOSITORY} --password-file /etc/posthaus-backup/password --no-cache restore latest"
        " --target /root/look --include /home"
    )
    found = host.run("grep -rlFf /root/hash /root/look; find /root/look -path '*/ana/*' -name passwd", check=False)
    assert found.stdout == ""
    assert host.run("find /root/look -type f | wc -l").stdout != "0\n"
    said = host.run("python3 -I -B -", input=AS_ANA).stdout.splitlines()
    uid = int(host.run("id -u ana").stdout)
    assert json.loads(said[0].replace("(", "[").replace(")", "]"))[0] == [uid] * 3, said
    assert said[0].endswith(", 0]"), "her other processes can look into it"
    assert said[1] == "ana: /etc/shadow: Permission denied", said


def comes_back_beside(host: MailHost, before: dict[str, Folder]) -> None:
    today = host.run("date +%F").stdout.strip()
    run = as_written(host, f"deploys/restore.py --data mailbox={IQBAL} --data at=2026-11-20", today)
    assert run.rc == 0, run.output
    found = seen(host, IQBAL, PASSWORDS[IQBAL])
    for name, folder in before.items():
        assert found[name] == folder, f"{name}: the present one is another"
        assert found[f"Restored {today}/{name}"].messages == folder.messages, name
    run = as_written(host, f"deploys/restore.py --data mailbox={IQBAL} --data folder=Work --data at=2026-11-20", today)
    assert run.rc == 0, run.output
    names = set(seen(host, IQBAL, PASSWORDS[IQBAL])) - set(found)
    assert names == {f"Restored {today} (2)/{name}" for name in FOLDERS[:2]}
    assert host.run("find /home/iqbal ! -user iqbal").stdout == ""
    assert "posthaus" not in host.run("find /home /root/look -prune -o -name '*posthaus*' -print").stdout


def nothing_of_roots_is_written(host: MailHost) -> None:
    """Where her mail is to be put there are links to what is root's."""
    host.run(
        "mkdir /root/hers && cd ~ana && su -s /bin/sh ana -c 'mv Maildir away; ln -s /root/hers Maildir;"
        " ln -s /root/hers .posthaus-restoring'"
    )
    done = host.run(f"{PROGRAM} mailbox {ANA} newest ''", check=False)
    assert done.returncode == 1, done.stdout
    done = host.run(f"{PROGRAM} restore newest keep", check=False)
    assert done.returncode == 0, done.stderr
    assert host.run("ls -A /root/hers; find /root/hers /etc -user ana").stdout == ""
    assert host.run("stat -c %U /etc/shadow").stdout == "root\n"
    assert len(seen(host, ANA, PASSWORDS[ANA])["INBOX"].messages) == 60


def takes_over_a_mailbox_from_elsewhere(host: MailHost, there: dict[str, Folder]) -> None:
    """By IMAP; the other server is this one, and the person there somebody else."""
    secret = host.site / "old.password"
    secret.write_text(f"{PASSWORDS[IQBAL]}\n")
    secret.chmod(0o600)
    said = (f"mailbox={TITO}", "server=mail.example.com", "login=iqbal", f"password_file={secret}", f"ca={host.ca}")
    run = host.pyinfra("deploys/migrate.py", *(part for word in said for part in ("--data", word)), "-y")
    assert run.rc == 0, run.output
    number = sum(len(folder.messages) for folder in there.values())
    assert f"{TITO}: complete, {number} messages new" in run.output, run.output
    found = seen(host, TITO, PASSWORDS[TITO])
    assert {name: found[name].messages for name in FOLDERS} == {name: there[name].messages for name in FOLDERS}
    assert host.run("find /home/tito ! -user tito").stdout == ""


def leaves_mail_yaml(host: MailHost) -> None:
    """Whoever is no longer declared keeps home and mail; only those that have a mailbox are kept."""
    listed = "cd /home/ana && find . -type f ! -name 'dovecot.*' | sort | xargs -d '\\n' sha256sum"
    before = host.run(listed).stdout
    settings = declared()
    del settings["mailboxes"][ANA]
    run = converge(host, settings)
    assert "/home/ana holds messages and belongs to no declared mailbox; they stay" in run.output, run.output
    assert host.run(listed).stdout == before
    assert host.run("id ana").returncode == 0
