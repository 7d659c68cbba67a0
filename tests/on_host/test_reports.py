"""Reports that arrive as letters, wherever a person or the filter has put them."""

from __future__ import annotations

import email
import email.policy

import pytest

from lab.mailhost import MailHost
from lab.waiting import wait_until
from tests.on_host.post import stranger
from tests.on_host.test_verify import report
from tests.on_host.words import TITO, example
from tests.report_letters import dmarc, raw, tls

pytestmark = pytest.mark.host


def lines(host: MailHost) -> dict[str, tuple[str, str]]:
    return {
        line["what"]: (line["verdict"], line["seen"]) for line in report(host)["lines"] if line["room"] == "reports"
    }


def test_the_proof_reads_the_reports_in_a_mailbox_and_nothing_else_there(own_mail_host: MailHost):
    words = example(dns={"verify": False, "reports": True})
    letters = [dmarc((own_mail_host.address, 7, "pass"), ("203.0.113.7", 5, "fail")), tls(2)]
    letters += [tls("many", number="2"), raw(b"\x1f\x8b no report")]  # what a stranger may write as well
    for one in letters:
        message = email.message_from_bytes(one, policy=email.policy.default)
        assert stranger(own_mail_host, "postmaster@example.com", message=message) == 250
    assert stranger(own_mail_host, "postmaster@example.com") == 250
    count = f"doveadm -f flow mailbox status -u {TITO} messages INBOX Junk | awk -F= '{{n += $NF}} END {{print n}}'"
    wait_until(lambda: own_mail_host.run(count).stdout.strip() == "5", 15, "the letters did not arrive")
    own_mail_host.run(f"doveadm mailbox create -u {TITO} Archive; doveadm move -u {TITO} Archive mailbox INBOX 1")
    run = own_mail_host.verify(words)
    assert run.rc == 0, run.output
    found = lines(own_mail_host)
    verdict, seen = found["DMARC reports example.com"]
    assert verdict == "warn"
    assert seen == "7 letters from here, 0 fail; elsewhere 0 pass, 5 fail (from 203.0.113.7); by google.com"
    assert found["letters that are no reports"] == ("warn", "2, passed over")
    assert found["TLS reports example.com"] == ("warn", "2 of 42 sessions failed (certificate-expired); by Google")
