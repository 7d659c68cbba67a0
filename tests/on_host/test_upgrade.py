"""The distribution's next release under a running mail server: Dovecot 2.3 becomes 2.4, PHP 8.2 becomes 8.4."""

from __future__ import annotations

import pytest

from lab.mailhost import MailHost

pytestmark = pytest.mark.host

UPGRADE = (
    "sed -i 's/bookworm/trixie/g' $(find /etc/apt/sources.list /etc/apt/sources.list.d -type f);"
    " export DEBIAN_FRONTEND=noninteractive; apt-get -q update &&"
    " apt-get -qy -o Dpkg::Options::=--force-confold full-upgrade"
)


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
