"""Messages that an alias leads elsewhere: what they need keeps nobody else's mail waiting."""

from __future__ import annotations

import pytest

from lab.mailhost import MailHost
from tests.on_host.post import arrived, compose, deliver, raw
from tests.on_host.settings import TITO, example

pytestmark = pytest.mark.host

AWAY = "away@example.com"
WAITS = "timeout 20 sh -c 'until postqueue -j | grep somebody@elsewhere.invalid | grep -q {}; do sleep 0.2; done'"
# Flushed again and again: while postsrsd was asked in vain (ten times, a second apart), a flush passes a message by.
GOES_ON = (
    "timeout 60 sh -c 'until journalctl -o cat --no-pager --since -5min -t postfix/qmgr"
    ' | grep -q "from=<SRS0=[^>]*=outside.example=x@"; do postqueue -f; sleep 1; done\''
)


def bounce_to(host: MailHost, address: str) -> bytes:
    """What port 25 says to a bounce to this address."""
    return raw(host, b"HELO mx.outside.example\r\n", b"MAIL FROM:<>\r\n", f"RCPT TO:<{address}>\r\n".encode())[-1]


def test_while_postsrsd_is_down_forwards_wait_and_all_other_mail_flows(mail_host: MailHost):
    # Postfix takes a sender of its own only: <stranger> is one whom the host trusts, as nobody here has a DNS.
    settings = example(
        aliases={AWAY: ["somebody@elsewhere.invalid"]}, postfix={"parameters": {"smtpd_sender_restrictions": "permit"}}
    )
    run = mail_host.converge(settings)
    assert run.rc == 0, run.output
    mail_host.run("systemctl stop postsrsd")
    try:
        message = compose(TITO)
        assert deliver(mail_host, TITO, message=message) == 250
        assert arrived(mail_host, TITO, mail_host.password(TITO), message["Subject"])
        assert bounce_to(mail_host, "nobody-of-this-name@example.com").startswith(b"550")
        assert bounce_to(mail_host, "SRS0=aaaa=bb=outside.example=x@example.com").startswith(b"451")
        assert deliver(mail_host, AWAY, "x@outside.example") == 250
        mail_host.run(WAITS.format("451"))
    finally:
        mail_host.run("systemctl start postsrsd")
    assert bounce_to(mail_host, "SRS0=aaaa=bb=outside.example=x@example.com").startswith(b"550")
    mail_host.run(GOES_ON)
    mail_host.run("postsuper -d ALL")
