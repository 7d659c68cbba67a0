"""Two runs at once, daemons that are killed, state that is lost, files that others broke: one run is enough."""

from __future__ import annotations

import subprocess
import time

import pytest

from lab import pyinfra
from lab.mailhost import MailHost
from tests.on_host.settings import example

pytestmark = pytest.mark.host

MASTER = "cat /var/spool/postfix/pid/master.pid"
DOVECOT = "systemctl show -p MainPID --value dovecot.service"
LISTENING = "for port in 25 143; do ss -Hltn sport = :$port | grep -q . || exit 1; done"


def test_a_second_run_is_told_of_the_first_before_it_changes_anything(own_mail_host: MailHost) -> None:
    own_mail_host.say(example(message_size="29M"))
    # what the first run has begun takes this long to get the lock
    holder = own_mail_host.run("systemd-run --quiet --unit holder flock /run/posthaus.lock sleep 600; sleep 0.5")
    assert holder.returncode == 0
    command = [pyinfra.command(), "inventory.py", "deploys/mail.py", "-y"]
    first = subprocess.Popen(
        command, cwd=pyinfra.ROOT, env=pyinfra.site_environment(own_mail_host.site), stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    own_mail_host.run("for i in $(seq 600); do pgrep -f posthaus-[p]ut >/dev/null && exit; sleep 0.05; done; exit 1")
    own_mail_host.run(
        "systemctl stop holder; for i in $(seq 200); do [ -s /run/posthaus.run ] && exit; sleep 0.02; done"
    )
    second = own_mail_host.pyinfra("deploys/mail.py", "-y")
    looked = own_mail_host.pyinfra("deploys/mail.py", "--dry") if first.poll() is None else None
    assert first.wait(timeout=120) == 0
    assert second.rc != 0, second.output
    assert "another run of Posthaus is under way" in second.output
    assert "kill " in second.output
    assert "Traceback" not in second.output
    assert looked is None or looked.rc == 0, "who only looks stands in nobody's way"
    assert own_mail_host.converge().changes == 0, "and the run that ended is in nobody's way"


def test_a_killed_master_comes_back_by_itself_and_a_lost_pid_file_takes_one_run(own_mail_host: MailHost) -> None:
    assert own_mail_host.converge().rc == 0
    before = own_mail_host.run(f"{DOVECOT}; {MASTER}").stdout
    own_mail_host.run(f"kill -9 $({DOVECOT}) $({MASTER})")
    deadline = time.monotonic() + 60
    while own_mail_host.run(f"{LISTENING} && {DOVECOT} && {MASTER}", check=False).stdout.split() == before.split() or (
        own_mail_host.run(LISTENING, check=False).returncode
    ):
        assert time.monotonic() < deadline, own_mail_host.run("systemctl status dovecot 'postfix*'", check=False).stdout
        time.sleep(0.3)
    own_mail_host.run("rm /var/spool/postfix/pid/master.pid")
    run = own_mail_host.converge(example(message_size="28M"))
    assert run.rc == 0, run.output
    assert own_mail_host.converge().changes == 0
    own_mail_host.run(
        "sh /var/lib/posthaus/units/postfix.service/probe && sh /var/lib/posthaus/units/dovecot.service/probe"
    )


def test_no_service_that_runs_is_given_files_that_its_checker_refuses(own_mail_host: MailHost) -> None:
    assert own_mail_host.converge().rc == 0
    pids = "systemctl show -p MainPID --value apache2 rspamd dovecot"
    before = own_mail_host.run(pids).stdout
    broken = (
        ("/etc/dovecot/local.conf", "protocol imap {\n", "/etc/dovecot/dovecot.conf", "/etc/dovecot/local.conf"),
        ("/etc/rspamd/rspamd.conf", "{ junk\n", "/etc/rspamd/local.d/groups.conf", "/etc/rspamd/rspamd.conf: line: "),
        ("/etc/apache2/local.conf", "Lisen 80\n", "/etc/apache2/apache2.conf", "of /etc/apache2/local.conf"),
        # what apache2 -t does not see
        (
            "/etc/apache2/local.conf",
            "Listen 25\n",
            "/etc/apache2/apache2.conf",
            "line 1: Listen 25: the port is held by",
        ),
    )
    for path, junk, ours, named in broken:
        own_mail_host.run(f"[ ! -e {path} ] || cp -a {path} /root/kept; cat >>{path}", input=junk)
        own_mail_host.run(f"touch {ours}")  # a restart or reload is due for another reason
        run = own_mail_host.pyinfra("deploys/mail.py", "-y")
        assert run.rc != 0, run.output
        assert "goes on as it runs" in run.output
        assert named in run.output
        assert own_mail_host.run(pids).stdout == before
        own_mail_host.run(f"if [ -e /root/kept ]; then mv /root/kept {path}; else rm {path}; fi")
    assert own_mail_host.converge().rc == 0


def test_a_daemon_whose_packages_changed_is_restarted(own_mail_host: MailHost) -> None:
    assert own_mail_host.converge().rc == 0
    before = own_mail_host.run(f"{DOVECOT}; {MASTER}").stdout.split()
    own_mail_host.run("touch /var/lib/dpkg/info/dovecot-imapd.list /var/lib/dpkg/info/postfix.list")
    assert own_mail_host.converge().changes == 2
    after = own_mail_host.run(f"{DOVECOT}; {MASTER}").stdout.split()
    assert not set(before) & set(after)
    assert own_mail_host.converge().changes == 0
