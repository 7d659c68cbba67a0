"""The distribution's next release under a running mail server: Dovecot 2.3 becomes 2.4, PHP 8.2 becomes 8.4."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lab.mailhost import MailHost
from lab.waiting import wait_until

pytestmark = pytest.mark.host

PAGE = (Path(__file__).parents[2] / "docs" / "upgrading.md").read_text(encoding="utf-8")

UPGRADE = (
    "sed -i 's/bookworm/trixie/g' $(find /etc/apt/sources.list /etc/apt/sources.list.d -type f);"
    " export DEBIAN_FRONTEND=noninteractive; apt-get -q update &&"
    " apt-get -qy -o Dpkg::Options::=--force-confold full-upgrade"
)


def section(title: str) -> list[str]:
    """The commands of a section of the page, in their order."""
    (text,) = re.findall(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    return re.findall(r"^(?: {4}| {7})(\S.*)$", text, re.MULTILINE)


@pytest.mark.releases("debian-12")
def test_one_run_after_an_upgrade_of_the_release_makes_it_a_mail_server_again(own_mail_host: MailHost) -> None:
    own_mail_host.run(UPGRADE, check=False, timeout=1200)  # Dovecot refuses its old configuration: apt may complain
    assert own_mail_host.run("cat /etc/debian_version").stdout.startswith("13")
    run = own_mail_host.converge()
    assert run.rc == 0, run.output
    assert own_mail_host.converge().changes == 0
    verified = own_mail_host.verify()
    assert verified.rc == 0, verified.output
    assert own_mail_host.run("head -n 5 /etc/dovecot/dovecot.conf | grep -c dovecot_config_version").stdout == "1\n"


@contextmanager
def waits_for(host: MailHost, said: str) -> Iterator[None]:
    """A run changes nothing, and says why; after what the caller does it is as welcome as ever."""
    run = host.converge()
    assert run.rc != 0
    assert "nothing was changed" in run.output
    assert said in run.output, run.output
    yield
    run = host.converge()
    assert (run.rc, run.changes) == (0, 0), run.output


HOLDS = "import fcntl, time; f = open('/var/lib/dpkg/lock-frontend', 'r+'); fcntl.lockf(f, fcntl.LOCK_EX)"


def test_a_run_waits_while_apt_upgrades_the_host(mail_host: MailHost) -> None:
    unit = "systemd-run --quiet --collect --unit=at-work"
    mail_host.run(f'{unit} python3 -c "{HOLDS}; time.sleep(300)" apt-get full-upgrade')
    inode = mail_host.run("stat -c %i /var/lib/dpkg/lock-frontend").stdout.strip()
    try:
        wait_until(lambda: f":{inode} " in mail_host.run("cat /proc/locks").stdout, 30, "nobody holds the lock")
        with waits_for(mail_host, "is upgrading this host: wait until it has ended"):
            mail_host.run("systemctl stop at-work")
    finally:
        mail_host.run("systemctl stop at-work", check=False)


HALF = """set -e; mkdir -p /root/half/DEBIAN
printf '%s\\n' 'Package: half' 'Version: 1' 'Architecture: all' 'Maintainer: Ana <ana@example.net>' \\
    'Description: needs another' 'Depends: hello' >/root/half/DEBIAN/control
dpkg-deb -b /root/half /root/half.deb; dpkg --unpack /root/half.deb
"""


def test_a_run_waits_where_an_upgrade_stopped_half_way(mail_host: MailHost) -> None:
    mail_host.run(HALF)
    try:
        with waits_for(mail_host, "stopped half way: not set up: 1 of them; still to be installed: hello. As root"):
            for command in section("When it stops half way")[:2]:
                assert (mail_host.run(command, check=False).returncode != 0) == command.startswith("dpkg")
    finally:
        mail_host.run("dpkg --purge --force-all half hello; rm -r /root/half*", check=False)
