"""Settings refused, units that fail, runs that die, edits by hand: mail keeps flowing and the next run fixes."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from collections.abc import Mapping
from typing import Any

import pytest

from lab import pyinfra
from lab.mailhost import MailHost
from tests.on_host.settings import example

pytestmark = pytest.mark.host

MASTERS = "systemctl show -p MainPID --value dovecot.service apache2.service; cat /var/spool/postfix/pid/master.pid"
SERVICES = "dovecot.service postfix.service apache2.service"
# Each command waits for its answer: Postfix turns away who talks before the greeting.
SIZE = """timeout 10 bash -c 'exec 3<>/dev/tcp/127.0.0.1/25
read -r greeting <&3; printf "EHLO x.example\\r\\n" >&3
while read -r line <&3; do printf "%s\\n" "$line"; [ "${line:3:1}" = - ] || break; done
printf "QUIT\\r\\n" >&3' | tr -d '\\r' | sed -n 's/^250[ -]SIZE //p'"""
FINISHED = "while pgrep -f 'posthaus-(pu[t]|converg[e])' >/dev/null; do sleep 0.1; done"


def masters(host: MailHost) -> str:
    return host.run(MASTERS).stdout


def announced_size(host: MailHost) -> str:
    return host.run(SIZE).stdout.strip()


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"postfix": {"parameters": {"no_such_parameter": "x"}}}, "no_such_parameter"),
        ({"postfix": {"parameters": {"inet_interfaces": "192.0.2.77"}}}, "no local interface found for 192.0.2.77"),
        ({"dovecot": {"settings": {"no_such_setting": "x"}}}, "no_such_setting"),
    ],
)
def test_settings_that_a_program_refuses_leave_everything_running(
    own_mail_host: MailHost, settings: Mapping[str, Any], named: str
) -> None:
    before = masters(own_mail_host)
    run = own_mail_host.converge(example(**settings))
    assert run.rc != 0
    assert named in run.output
    assert masters(own_mail_host) == before
    assert own_mail_host.verify(example()).rc == 0, "messages still go in and out"
    assert own_mail_host.converge(example()).changes == 0


def test_settings_that_pass_the_checker_but_do_not_start_are_put_back(own_mail_host: MailHost) -> None:
    elsewhere = {"settings": {"listen": "192.0.2.77"}}  # an address that the host does not have (RFC 5737)
    run = own_mail_host.converge(example(dovecot=elsewhere))
    assert run.rc != 0
    assert "192.0.2.77" in run.output, "Dovecot's own last message is shown"
    assert "the previous files are back in /etc/dovecot, and dovecot.service runs with them" in run.output
    assert "192.0.2.77" not in own_mail_host.read("/etc/dovecot/dovecot.conf").decode()
    assert own_mail_host.converge(example()).changes == 0
    assert own_mail_host.verify().rc == 0


@pytest.mark.parametrize("path", ["/etc/postfix/main.cf", "/etc/dovecot/dovecot.conf", "/etc/apache2/apache2.conf"])
@pytest.mark.webmail
def test_an_edit_by_hand_is_taken_back(mail_host: MailHost, path: str) -> None:
    before = mail_host.read(path)
    mail_host.run(f"echo '# edited by hand' >>{path}")
    assert mail_host.converge().rc == 0
    assert mail_host.read(path) == before
    assert mail_host.converge().changes == 0


def test_a_daemon_that_runs_a_deleted_program_is_restarted(own_mail_host: MailHost) -> None:
    own_mail_host.run("cp -a /usr/sbin/dovecot /usr/sbin/dovecot.new && mv /usr/sbin/dovecot.new /usr/sbin/dovecot")
    before = own_mail_host.run("systemctl show -p MainPID --value dovecot").stdout
    run = own_mail_host.converge()
    assert (run.rc, run.changes) == (0, 1), run.output
    assert own_mail_host.run("systemctl show -p MainPID --value dovecot").stdout != before
    assert own_mail_host.converge().changes == 0


@pytest.mark.webmail
def test_a_new_certificate_on_disk_is_served_after_the_next_run(own_mail_host: MailHost) -> None:
    own_mail_host.run("rm /etc/ssl/posthaus/fullchain.pem")  # the local CA signs anew, with the same key
    run = own_mail_host.converge()
    assert run.rc == 0, run.output
    disk = own_mail_host.run("openssl x509 -noout -serial -in /etc/ssl/posthaus/fullchain.pem").stdout
    for port, start in {25: "smtp", 587: "smtp", 465: "", 143: "imap", 993: "", 110: "pop3", 995: "", 443: ""}.items():
        tls = f"-starttls {start}" if start else ""
        served = own_mail_host.run(
            f"openssl s_client -connect 127.0.0.1:{port} {tls} </dev/null 2>/dev/null | openssl x509 -noout -serial"
        ).stdout
        assert served == disk, f"port {port} serves another certificate"


@pytest.mark.webmail
def test_killing_the_workstation_at_many_points_leaves_a_host_that_converges(own_mail_host: MailHost) -> None:
    points = random.Random(2)
    sizes = {size: example(message_size=f"{size}M", webmail={"title": f"Title {size}"}) for size in range(30, 38)}
    for size, settings in sizes.items():
        own_mail_host.say(settings)
        process = subprocess.Popen(
            [pyinfra.command(), "inventory.py", "deploys/mail.py", "-y"],
            cwd=pyinfra.ROOT, env=pyinfra.site_environment(own_mail_host.site), stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        time.sleep(points.uniform(1.0, 4.5))
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=30)
        own_mail_host.run(FINISHED, timeout=120)  # what the host was told to do it does to the end, on its own
        assert own_mail_host.run(f"systemctl is-active {SERVICES}").stdout.split() == ["active"] * 3
        run = own_mail_host.converge()
        assert run.rc == 0, run.output
        assert announced_size(own_mail_host) == str(size << 20)
        assert f"Title {size}".encode() in own_mail_host.read("/etc/squirrelmail/config_local.php")
    assert own_mail_host.converge().changes == 0
    assert own_mail_host.verify().rc == 0


def test_a_dropped_connection_leaves_a_host_that_converges(own_mail_host: MailHost) -> None:
    own_mail_host.say(example(message_size="29M"))
    process = subprocess.Popen(
        [pyinfra.command(), "inventory.py", "deploys/mail.py", "-y"],
        cwd=pyinfra.ROOT, env=pyinfra.site_environment(own_mail_host.site), stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    own_mail_host.run(
        "for i in $(seq 400); do pgrep -f posthaus-[p]ut >/dev/null && break; sleep 0.02; done; pkill -f '[s]shd.*root'"
    )
    assert process.wait(timeout=120) != 0
    run = own_mail_host.converge()
    assert run.rc == 0, run.output
    assert announced_size(own_mail_host) == str(29 << 20)
    assert own_mail_host.converge().changes == 0
