"""What a cloud's Ubuntu has that a bare Debian lacks, and Ubuntu itself wherever a registry answers.

The stand-in is Debian 12 with sudo for the user ubuntu and no login for root, cloud-init, needrestart, ufw,
unattended-upgrades, systemd-resolved, AppArmor's profiles, LANG=C and a /tmp where nothing can be run.
"""

from __future__ import annotations

import pytest

from lab.mailhost import MailHost

pytestmark = pytest.mark.host


@pytest.mark.releases("ubuntu-like", "ubuntu-22.04", "ubuntu-24.04", "ubuntu-26.04")
def test_a_bare_ubuntu_becomes_a_mail_server_by_sudo_and_stays_one(bare_host: MailHost) -> None:
    run = bare_host.converge()
    assert run.rc == 0, run.output
    again = bare_host.converge()
    assert (again.rc, again.changes) == (0, 0), again.output
    verified = bare_host.verify()
    assert verified.rc == 0, verified.output
    assert bare_host.run("hostname -f").stdout == "mail.example.com\n"
    assert bare_host.run("systemctl --failed --no-legend --plain").stdout == ""
