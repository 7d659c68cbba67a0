"""Reports that arrive as messages, wherever a person or rspamd has put them."""

from __future__ import annotations

import email
import email.policy

import pytest

from lab.mailhost import MailHost
from lab.waiting import wait_until
from tests.on_host.post import deliver
from tests.on_host.settings import TITO, example
from tests.on_host.test_verify import report
from tests.report_messages import dmarc, raw, tls

pytestmark = pytest.mark.host


def results(host: MailHost) -> dict[str, tuple[str, str]]:
    return {
        result["what"]: (result["verdict"], result["seen"])
        for result in report(host)["results"]
        if result["group"] == "reports"
    }


def test_verify_reads_the_reports_in_a_mailbox_and_nothing_else_there(own_mail_host: MailHost):
    settings = example(dns={"verify": False, "reports": True})
    messages = [dmarc((own_mail_host.address, 7, "pass"), ("203.0.113.7", 5, "fail")), tls(2)]
    messages += [tls("many", number="2"), raw(b"\x1f\x8b no report")]  # what a stranger may write as well
    for one in messages:
        message = email.message_from_bytes(one, policy=email.policy.default)
        assert deliver(own_mail_host, "postmaster@example.com", message=message) == 250
    assert deliver(own_mail_host, "postmaster@example.com") == 250
    count = f"doveadm -f flow mailbox status -u {TITO} messages INBOX Junk | awk -F= '{{n += $NF}} END {{print n}}'"
    wait_until(lambda: own_mail_host.run(count).stdout.strip() == "5", 15, "the messages did not arrive")
    own_mail_host.run(f"doveadm mailbox create -u {TITO} Archive; doveadm move -u {TITO} Archive mailbox INBOX 1")
    assert own_mail_host.converge(settings).rc == 0
    run = own_mail_host.verify(settings)
    assert run.rc == 0, run.output
    found = results(own_mail_host)
    verdict, seen = found["DMARC reports example.com"]
    assert verdict == "warn"
    assert seen == "7 messages from here, 0 fail; elsewhere 0 pass, 5 fail (from 203.0.113.7); by google.com"
    assert found["messages that are no reports"] == ("warn", "2, passed over")
    assert found["TLS reports example.com"] == ("warn", "2 of 42 sessions failed (certificate-expired); by Google")
