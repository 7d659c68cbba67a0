"""ClamAV for rspamd: it waits for its signatures, refuses a virus, loses no message, and goes with the option."""

from __future__ import annotations

import pytest

from lab.mailhost import MailHost
from lab.waiting import wait_until
from tests.on_host.post import compose, deliver
from tests.on_host.settings import TITO, example
from tests.on_host.test_verify import failing

pytestmark = pytest.mark.host

# The test file of all scanners (eicar.org), and the one signature that a scanner without the internet needs for it.
EICAR = r"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
SIGNATURE = f"Eicar-Test:0:*:{EICAR.encode().hex()}\n"
ACTIVE = "systemctl is-active clamav-daemon.service clamav-daemon.socket posthaus-antivirus.path"


def infected() -> object:
    message = compose(TITO)
    message.add_attachment(EICAR.encode(), maintype="application", subtype="octet-stream", filename="bill.com")
    return message


def test_a_virus_is_refused_as_soon_as_there_are_signatures_and_until_then_messages_pass(own_mail_host: MailHost):
    host, settings = own_mail_host, example(filter={"antivirus": True, "blocklists": False})
    run = host.converge(settings)
    assert run.rc == 0, run.output
    assert host.run("systemctl is-enabled clamav-daemon clamav-freshclam").stdout == "enabled\n" * 2
    assert deliver(host, TITO) == 250
    verified = host.verify()
    assert verified.rc == 1
    assert "clamav-daemon.service" in failing(host), verified.output
    assert "signatures may be on their way" in verified.output

    # No mirror of ClamAV's is reached from here: one signature, elsewhere, and files by the names of freshclam's.
    elsewhere = "sed -i 's|^DatabaseDirectory.*|DatabaseDirectory /srv/signatures|' /etc/clamav/clamd.conf"
    host.run(f"install -d /srv/signatures && {elsewhere}")
    host.write("/srv/signatures/test.ndb", SIGNATURE)
    host.run("touch /var/lib/clamav/daily.cvd && touch /var/lib/clamav/main.cvd")
    wait_until(lambda: host.run(ACTIVE, check=False).stdout.startswith("active\n"), 60, "the scanner did not start")
    wait_until(lambda: deliver(host, TITO, message=infected()) == 554, 60, "the virus was not refused")
    assert deliver(host, TITO) == 250
    assert "clamav-daemon.service" not in failing_after(host)
    again = host.converge(settings)
    assert (again.rc, again.changes) == (0, 0), again.output

    run = host.converge(example())
    assert run.rc == 0, run.output
    assert "active\n" not in host.run(ACTIVE, check=False).stdout.replace("inactive\n", "")
    assert host.run("systemctl is-enabled clamav-daemon clamav-freshclam", check=False).stdout == "disabled\n" * 2
    assert deliver(host, TITO, message=infected()) == 250
    assert host.converge(example()).changes == 0


def failing_after(host: MailHost) -> set[str]:
    """What fails in a new verification."""
    host.verify()
    return failing(host)
