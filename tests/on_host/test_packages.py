"""One apt run installs everything: it waits, never asks, repairs, and starts no service with stock configuration."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path

import pytest

from deploys.components.host.render import debconf
from facts.state import BACKGROUND
from lab import pyinfra, site
from lab.mailhost import MailHost
from tests.on_host.foundation import DEPLOY, run_foundation
from tests.on_host.settings import example

pytestmark = pytest.mark.host

MAIL_SERVERS = ["postfix", "dovecot-imapd", "dovecot-pop3d", "dovecot-lmtpd", "dovecot-managesieved"]
SERVERS = [*MAIL_SERVERS, "apache2", "php-fpm"]
ANSWERS = debconf("mail.example.com")
OPEN = "ss -Hlntu | awk '{ print $1, $5 }' | sort -u; systemctl --failed --plain --no-legend"
HOLD = "import fcntl,time;f=open('{}','w');fcntl.lockf(f,fcntl.LOCK_EX);time.sleep({})"


def hold(host: MailHost, lock: str, seconds: int) -> None:
    """Another package manager at work."""
    host.run(f'systemd-run --quiet python3 -c "{HOLD.format(lock, seconds)}" && sleep 1')


def test_servers_are_installed_and_none_runs_with_the_distributions_configuration(bare_host: MailHost, tmp_path: Path):
    before = bare_host.run(OPEN).stdout
    run = run_foundation(tmp_path, bare_host, packages=SERVERS, debconf=ANSWERS)
    assert (run.rc, run.changes) == (0, 1), run.output
    assert bare_host.run(OPEN).stdout == before
    assert bare_host.run("systemctl is-enabled postfix dovecot apache2 | sort -u").stdout == "enabled\n"
    assert bare_host.run("dpkg --audit; ls /usr/sbin/policy-rc.d 2>/dev/null", check=False).stdout == ""
    assert "postfix/main_mailer_type: Internet Site" in bare_host.run("debconf-show postfix").stdout
    assert bare_host.run("cat /etc/mailname").stdout == "mail.example.com\n"
    again = run_foundation(tmp_path, bare_host, packages=SERVERS, debconf=ANSWERS)
    assert (again.rc, again.changes) == (0, 0), again.output


def test_the_background_command_begins_when_all_is_installed_and_nothing_waits_for_it(
    bare_host: MailHost, tmp_path: Path
):
    slow = "command -v tree >/tmp/begun; sleep 20; touch /tmp/ended"
    run = run_foundation(tmp_path, bare_host, packages=["tree"], background=slow)
    assert (run.rc, run.changes) == (0, 1), run.output
    assert bare_host.run(f"systemctl is-active {BACKGROUND}; ls /tmp/ended 2>/dev/null; true").stdout == "active\n"
    assert bare_host.run("cat /tmp/begun").stdout == "/usr/bin/tree\n"


def test_another_package_manager_is_waited_for(bare_host: MailHost, tmp_path: Path):
    hold(bare_host, "/var/lib/dpkg/lock-frontend", 8)
    hold(bare_host, "/var/lib/apt/lists/lock", 14)
    run = run_foundation(tmp_path, bare_host, packages=["tree"])
    assert (run.rc, run.changes) == (0, 1), run.output


@pytest.mark.parametrize("lock", ["/var/lib/dpkg/lock-frontend", "/var/lib/apt/lists/lock"])
def test_one_that_never_ends_is_named_with_its_lock(bare_host: MailHost, tmp_path: Path, lock: str):
    hold(bare_host, lock, 300)
    run = run_foundation(tmp_path, bare_host, packages=["tree"], wait=4)
    assert run.rc == 1
    assert lock in run.output
    assert "python3" in run.output
    assert bare_host.run(f"test -e {lock} && dpkg --audit").stdout == ""


def test_a_half_configured_package_is_completed_first(bare_host: MailHost, tmp_path: Path):
    bare_host.run("cd /root && apt-get update -qq && apt-get download -qq tree 2>/dev/null && dpkg --unpack tree_*.deb")
    assert "tree" in bare_host.run("dpkg --audit").stdout
    run = run_foundation(tmp_path, bare_host, packages=["tree"])
    assert (run.rc, run.changes) == (0, 1), run.output
    assert bare_host.run("dpkg --audit").stdout == ""


# As dpkg writes down what it is about to do, and leaves it where it is killed at that.
TORN = "sed -i '/^Package: libsasl2-modules-db$/,/^$/s/^Status: .*/Status: install reinstreq {}/' /var/lib/dpkg/status"
UNPACKED = """cd /root && apt-get update -qq && apt-get download -qq dovecot-core libsasl2-modules-db 2>/dev/null
dpkg --unpack *.deb && rm /usr/lib/*/sasl2/libsasldb.so"""


@pytest.mark.parametrize("how_far", ["half-installed", "unpacked"])
def test_a_package_that_was_being_unpacked_when_the_power_failed_is_unpacked_again(
    bare_host: MailHost, tmp_path: Path, how_far: str
):
    """Beside one that lacks others which were not even begun."""
    bare_host.run(UNPACKED)
    bare_host.run(TORN.format(how_far))
    run = run_foundation(tmp_path, bare_host, packages=MAIL_SERVERS, debconf=ANSWERS)
    assert run.rc == 0, run.output
    assert bare_host.run("dpkg --audit; ls /usr/lib/*/sasl2/libsasldb.so").stdout.count("\n") == 1
    assert run_foundation(tmp_path, bare_host, packages=MAIL_SERVERS).changes == 0


def test_an_installation_killed_half_way_is_finished_by_the_next_run(bare_host: MailHost, tmp_path: Path):
    where = site.write(tmp_path, [bare_host.entry], example())
    process = subprocess.Popen(
        [pyinfra.command(), "inventory.py", DEPLOY, "-y"],
        cwd=pyinfra.ROOT,
        env={
            **os.environ,
            "POSTHAUS_SITE": str(where),
            "POSTHAUS_TEST": json.dumps({"packages": MAIL_SERVERS, "debconf": ANSWERS}),
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 120
    while bare_host.run("ls /var/lib/dpkg/info/dovecot-core.list", check=False).returncode:
        assert time.monotonic() < deadline, "apt never came to unpacking Dovecot"
        time.sleep(0.2)
    bare_host.run("kill -9 $(ps -C apt-get,dpkg -o pid=)")
    assert process.wait(timeout=60) == 1
    assert bare_host.run("dpkg --audit").stdout != ""
    run = run_foundation(tmp_path, bare_host, packages=MAIL_SERVERS, debconf=ANSWERS)
    assert run.rc == 0, run.output
    assert bare_host.run("dpkg --audit").stdout == ""
    assert run_foundation(tmp_path, bare_host, packages=MAIL_SERVERS).changes == 0


@pytest.mark.releases("debian-13")
def test_a_package_that_nobody_knows_is_named(bare_host: MailHost, tmp_path: Path):
    run = run_foundation(tmp_path, bare_host, packages=["no-such-package"])
    assert run.rc == 1
    assert "Unable to locate package no-such-package" in run.output


# dpkg asks where the package brings another file than last time, and the one on disk is neither.
ANOTHER_VERSION = (
    "sed -i 's#^ /etc/apache2/apache2.conf [0-9a-f]*#"
    " /etc/apache2/apache2.conf 00000000000000000000000000000000#' /var/lib/dpkg/status"
)
UPGRADE = f"apt-get update -qq; {ANOTHER_VERSION}; apt-get -y install --reinstall apache2 </dev/null"


def verdicts(host: MailHost) -> dict[str, str]:
    """The verdict of each result about packages, by its key."""
    host.verify()
    results = json.loads((pyinfra.ROOT / "reports" / f"{host.name}.json").read_text())["results"]
    return {result["key"]: result["verdict"] for result in results if result["key"].startswith("packages.")}


@pytest.mark.webmail
def test_an_upgrade_that_nobody_attends_keeps_our_files_and_what_it_leaves_is_named(own_mail_host: MailHost):
    ours = own_mail_host.read("/etc/apache2/apache2.conf")
    own_mail_host.run(UPGRADE, timeout=600)
    assert own_mail_host.run("dpkg --audit").stdout == ""
    assert own_mail_host.read("/etc/apache2/apache2.conf") == ours
    dist_files = "packages.dist-file./etc/apache2/apache2.conf.dpkg-dist"
    assert verdicts(own_mail_host) == {"packages.installed": "ok", dist_files: "warn"}

    own_mail_host.run("rm /etc/apt/apt.conf.d/90posthaus /etc/apache2/apache2.conf.dpkg-dist")
    assert own_mail_host.run(UPGRADE, check=False, timeout=600).returncode == 100, "without our word dpkg asks"
    assert verdicts(own_mail_host) == {"packages.installed.apache2": "FAIL"}
    run = own_mail_host.converge()
    assert run.rc == 0, run.output
    assert own_mail_host.read("/etc/apache2/apache2.conf") == ours
    assert verdicts(own_mail_host)["packages.installed"] == "ok"
