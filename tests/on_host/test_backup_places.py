"""Backups that lie on another server, and what is said where something is wrong with one."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from email.policy import SMTP

import pytest

from facts.watch import PROGRAM as WATCH
from lab.mailhost import MailHost
from lab.waiting import wait_until
from tests.on_host.backups import MANY, PAGE, PROGRAM, SECRET, TEAM, Folder, as_written, converge, declared, seen
from tests.on_host.conftest import StartHost
from tests.on_host.post import compose, mailbox
from tests.on_host.settings import IQBAL, TITO
from tests.on_host.swift import ANSWERS as SWIFT_ANSWERS
from tests.on_host.swift import KEY as S3_KEY
from tests.on_host.swift import KEY_ID as S3_ID
from tests.on_host.swift import PORT, SWIFT

pytestmark = pytest.mark.host

KEEPER = "backup.example.org"
BY_SSH = "sftp:keeper@backup.example.org:/srv/mail"
BY_REST = "rest:http://backup.example.org:8000/"
BY_S3 = f"s3:http://{KEEPER}:{PORT}/mail"
REST_PASSWORD = "forty loud geese"
ODD = "It's ~odd; $(id) [a-z] &2D3eQg-"
STORE = "/var/mail/vhosts"
MEMORY = "/var/lib/posthaus/backup"
# All that anybody could read a secret in, but the files that hold it for root.
PROCESSES = (
    "while [ -e /root/watching ]; do"
    " grep -aqFf /root/secrets /proc/[0-9]*/cmdline && touch /root/found; sleep 0.05; done"
)
LOGS = "journalctl -q -o cat; cat /var/log/*.log /usr/local/lib/posthaus-backup/plan.json"

# Somebody at a terminal, who looked at that server's key.
SAYS_YES = """import os, pty, sys
child, terminal = pty.fork()
if not child:
    os.execvp("ssh", {words})
asked = b""
try:
    while part := os.read(terminal, 1024):
        asked += part
        if b"(yes/no" in part:
            os.write(terminal, b"yes\\n")
except OSError:  # it has ended
    pass
print(asked.decode())
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.fixture
def keeper(start_host: StartHost) -> MailHost:
    """A server that keeps backups. It has sshd, and nothing else yet."""
    return start_host("debian-13")


def commands(*beginnings: str) -> list[str]:
    """The page's indented lines that begin so."""
    lines = [line.strip() for line in re.findall(r"^    (\S.*)$", PAGE, re.M)]
    found = [line for line in lines if line.startswith(beginnings)]
    assert len(found) == len(beginnings), (found, beginnings)
    return found


def set_up(host: MailHost, keeper: MailHost) -> None:
    """As docs/backup.md says, word for word."""
    *_, key = [host.run(line).stdout for line in commands("ssh-keygen -q", "cat /root/.ssh")]
    for line in commands("useradd", "install -d -o keeper", "echo 'restrict"):
        keeper.run(line.replace("ssh-ed25519 AAAA…", key.strip()))
    (login,) = commands("ssh keeper@")
    host.run("python3 -", input=SAYS_YES.format(words=login.split()), timeout=60)


def fill(host: MailHost) -> dict[str, Folder]:
    with mailbox(host, IQBAL, host.password(IQBAL)) as client:
        client.create(f'"{ODD}"')
        for number in range(10):
            client.append(f'"{ODD}"', r"(\Seen $Forwarded)", None, compose(IQBAL, number * 1000).as_bytes())
            client.append("INBOX", r"(\Flagged)", None, compose(IQBAL, number * 1000).as_bytes())
        large = compose(IQBAL)
        large.set_content(secrets.token_hex(400_000))  # which no compression makes much smaller
        client.append("INBOX", None, None, large.as_bytes(policy=SMTP))
        client.select("INBOX")
        client.store("2:3", "+FLAGS", f"({' '.join(MANY)})")
    host.run(f"doveadm mailbox create -u {TITO} Club && doveadm acl set -u {TITO} Club user={IQBAL} lookup read")
    gateway = host.run("ip route | awk '/^default/ {print $3; exit}'").stdout.strip()
    host.run(f'echo on its way | sendmail -f {TITO} "somebody@[{gateway}]"')  # where nothing takes messages
    wait_until(lambda: "somebody@" in host.run("postqueue -j").stdout, 30, "the message did not stay in the queue")
    return seen(host, IQBAL, host.password(IQBAL))


@pytest.mark.releases("debian-13")
def test_backups_lie_on_another_server_and_what_goes_wrong_is_said(own_mail_host: MailHost, keeper: MailHost):
    host = own_mail_host
    host.run(f"echo {keeper.address} {KEEPER} >>/etc/hosts")
    converge(host, declared({"repository": BY_SSH}))
    run = as_written(host, "deploys/backup.py")
    assert (run.rc, "log in there by hand once, as root on the host" in run.output) == (1, True), run.output
    set_up(host, keeper)
    before = fill(host)
    assert (run := as_written(host, "deploys/backup.py")).rc == 0, run.output
    assert keeper.run("ls /srv/mail/snapshots").stdout.count("\n") == 1
    by_restics_own_server_and_its_secrets_are_seen_nowhere(host, keeper)
    another_password_is_said(host)
    a_full_disk_is_said_and_leaves_everything_as_it_was(host)
    one_odd_folder_comes_back_with_all_its_keywords(host, before)
    a_restore_that_is_killed_is_run_again(host, before)


@pytest.mark.releases("debian-12")
def test_an_older_restic_keeps_backups_on_another_server_by_ssh(own_mail_host: MailHost, keeper: MailHost):
    host = own_mail_host
    host.run(f"echo {keeper.address} {KEEPER} >>/etc/hosts")
    converge(host, declared({"repository": BY_SSH}))
    set_up(host, keeper)
    before = fill(host)
    kept = []
    for _ in range(2):  # the second one finds a repository, and only the last of a day is kept
        assert (run := as_written(host, "deploys/backup.py")).rc == 0, run.output
        kept.append(keeper.run("ls /srv/mail/snapshots").stdout.split())
    assert [len(one) for one in kept] == [1, 1]
    assert kept[0] != kept[1]
    one_odd_folder_comes_back_with_all_its_keywords(host, before)


@pytest.mark.long  # OpenStack's Swift takes a minute to install: the one server of S3 that Debian has for one host
def test_backups_lie_where_s3_is_spoken(own_mail_host: MailHost, keeper: MailHost):
    host = own_mail_host
    keeper.run(SWIFT, timeout=900)
    wait_until(lambda: not keeper.run(SWIFT_ANSWERS, check=False).returncode, 60, "Swift does not answer")
    host.run(f"echo {keeper.address} {KEEPER} >>/etc/hosts")
    host.site.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, secret in (("s3.id", S3_ID), ("s3.key", S3_KEY)):
        (host.site / name).write_text(f"{secret}\n")
    known = {"AWS_ACCESS_KEY_ID": {"file": "s3.id"}, "AWS_SECRET_ACCESS_KEY": {"file": "s3.key"}}
    converge(host, declared({"repository": f"{BY_S3}/host", "environment": known}))
    # For a bucket that is not there restic waits a quarter of an hour: it is made before, as at a provider's.
    named = f"AWS_ACCESS_KEY_ID={S3_ID} AWS_SECRET_ACCESS_KEY={S3_KEY} RESTIC_PASSWORD=another"
    host.run(f"{named} restic -r {BY_S3}/another init")
    before = fill(host)
    backed_up_unseen(host, S3_KEY, SECRET)
    run = as_written(host, "deploys/backup.py --data list=yes")
    assert "1 backup of mail.example.com" in run.output, run.output
    one_odd_folder_comes_back_with_all_its_keywords(host, before)


def by_restics_own_server_and_its_secrets_are_seen_nowhere(host: MailHost, keeper: MailHost) -> None:
    """rclone speaks as that does."""
    keeper.run("apt-get update -qq && apt-get install -qq -y --no-install-recommends rclone", timeout=900)
    keeper.run(
        "mkdir -p /srv/rest && systemd-run -q rclone serve restic --addr :8000 --user mail"
        f" --pass '{REST_PASSWORD}' /srv/rest"
    )
    (host.site / "rest.name").write_text("mail\n")
    (host.site / "rest.password").write_text(f"{REST_PASSWORD}\n")
    known = {"RESTIC_REST_USERNAME": {"file": "rest.name"}, "RESTIC_REST_PASSWORD": {"file": "rest.password"}}
    converge(host, declared({"repository": BY_REST, "environment": known}))
    backed_up_unseen(host, REST_PASSWORD, SECRET)
    assert keeper.run("ls /srv/rest/snapshots").stdout.count("\n") == 1


def backed_up_unseen(host: MailHost, *secrets: str) -> None:
    """One backup, of which nobody learns ``secrets``."""
    with unseen(host, *secrets):
        run = as_written(host, "deploys/backup.py")
    assert run.rc == 0, run.output
    host.run("rm -f /root/secrets")
    written = run.output + host.run(LOGS, check=False).stdout
    assert not [one for one in secrets if one in written]
    assert host.run("stat -c '%a %U' /etc/posthaus-backup").stdout == "700 root\n"


@contextmanager
def unseen(host: MailHost, *secrets: str) -> Iterator[None]:
    """Nobody finds one of ``secrets`` in the list of processes meanwhile."""
    host.write("/root/secrets", "".join(f"{one}\n" for one in secrets), "0600")
    host.run(f"touch /root/watching; ({PROCESSES}) >/dev/null 2>&1 &")
    try:
        yield
    finally:
        host.run("rm /root/watching")
    assert host.run("ls /root/found", check=False).returncode, "a secret stood in the list of processes"


def another_password_is_said(host: MailHost) -> None:
    kept = host.read("/etc/posthaus-backup/password")
    host.write("/etc/posthaus-backup/password", "another\n", "0600")
    try:
        run = as_written(host, "deploys/restore.py")
        assert run.rc == 1
        assert "does not open the repository: write the one that it was made with" in run.output, run.output
    finally:
        host.write("/etc/posthaus-backup/password", kept, "0600")


def a_full_disk_is_said_and_leaves_everything_as_it_was(host: MailHost) -> None:
    listed = (
        f"find {STORE} -path '*/cur/*' -type f | sort | sha256sum; ls -A {STORE} {MEMORY};"
        " find /etc/ssl/posthaus /var/lib/rspamd/dkim -type f | sort | xargs stat -c '%n %U %a %Y' | sha256sum"
    )
    before = host.run(listed).stdout
    host.run("mkdir /srv/small && mount -t tmpfs -o size=300k small /srv/small")
    place = host.read("/etc/posthaus-backup/repository")
    host.write("/etc/posthaus-backup/repository", "/srv/small\n", "0600")
    try:
        done = host.run(f"{PROGRAM} make begin", check=False)
        assert (done.returncode, "a disk is full: the repository's" in done.stderr) == (1, True), done.stderr
        assert "a disk is full" in host.read(f"{MEMORY}/last.json").decode()
    finally:
        host.write("/etc/posthaus-backup/repository", place, "0600")
        host.run("umount /srv/small")
    assert host.run(listed).stdout == before
    host.run(f"mount -t tmpfs -o size=100k small {MEMORY}")
    try:
        done = host.run(f"{PROGRAM} restore newest refuse", check=False)
        assert done.returncode == 1
        full = r"/var/lib/posthaus/backup(/\S+: No space left on device| has 0 MB left, .*); nothing was changed"
        assert re.search(full, done.stderr), done.stderr
    finally:
        host.run(f"umount {MEMORY}")
    assert host.run(listed).stdout == before
    assert host.run("systemctl is-active dovecot postfix", check=False).returncode == 0


def one_odd_folder_comes_back_with_all_its_keywords(host: MailHost, before: dict[str, Folder]) -> None:
    done = host.run(f"{PROGRAM} mailbox {IQBAL} 2001-01-01 ''", check=False)
    assert "no backup is as old as 2001-01-01; the oldest is of 20" in done.stderr, done.stderr
    today = host.run("date +%F").stdout.strip()
    for name, folder in ((ODD.replace("&2D3eQg-", "🙂"), ODD), ("INBOX", "INBOX")):
        run = host.pyinfra("deploys/restore.py", "--data", f"mailbox={IQBAL}", "--data", f"folder={name}", "-y")
        assert run.rc == 0, run.output
        number = "" if folder == ODD else " (2)"
        back = seen(host, IQBAL, host.password(IQBAL))[f"Restored {today}{number}/{folder}"]
        assert back.messages == before[folder].messages
        assert back.validity != before[folder].validity
    with mailbox(host, IQBAL, host.password(IQBAL)) as client:
        for name in (f"Restored {today}/{ODD}", f"Restored {today} (2)/INBOX"):
            assert client.delete(f'"{name}"')[0] == "OK"


def a_restore_that_is_killed_is_run_again(host: MailHost, before: dict[str, Folder]) -> None:
    """And once more after that, which brings the message that was on its way back no second time. Of who was let in by
    whom the host has a list of its own, as after a first run: without what an administrator had allowed."""
    host.run(f"rm {STORE}/shared-mailboxes && doveadm acl recalc -u {TEAM}")
    assert f"shared/{TITO}/Club" in before
    assert f"shared/{TITO}/Club" not in seen(host, IQBAL, host.password(IQBAL))
    host.run("postsuper -d ALL")
    host.run(
        f"{PROGRAM} restore newest refuse >/dev/null & pid=$!; until [ -e {MEMORY}/restoring ]; do"
        " kill -0 $pid || exit 3; sleep 0.05; done; kill -9 $pid; wait $pid; true",
        timeout=120,
    )
    run = as_written(host, "deploys/backup.py")
    assert (run.rc, "a restore was interrupted on this host" in run.output) == (1, True), run.output
    looks = map(json.loads, host.run(f"python3 -I -B {WATCH} --json").stdout.splitlines())
    assert [one["ok"] for one in looks if one["key"] == "backup.restoring"] == [False]
    for _ in range(2):
        run = as_written(host, "deploys/restore.py")
        assert run.rc == 0, run.output
        after = seen(host, IQBAL, host.password(IQBAL))
        for name, folder in before.items():
            assert after[name].validity == folder.validity, name
            assert after[name].messages == folder.messages, name
            assert after[name].next_uid >= folder.next_uid + 1000, name
        assert host.run("postqueue -j").stdout.count('"queue_name": "hold"') == 1
    assert as_written(host, "deploys/backup.py").rc == 0
