"""What strangers, people and programs may ask of the host when they hand in a message, and what is kept of it."""

from __future__ import annotations

import smtplib

import pytest

from lab.mailhost import MailHost
from tests.on_host.post import arrived, letter, mailbox, trusting
from tests.on_host.words import IQBAL, TITO

pytestmark = pytest.mark.host


def test_a_stranger_cannot_ask_for_a_report_of_success_and_who_has_logged_in_can(mail_host: MailHost):
    """It would go to whoever the envelope names, and say where an alias leads and how the filter judged."""
    with smtplib.SMTP(mail_host.address, 25, local_hostname="mx.outside.example", timeout=30) as client:
        for greeting in ("EHLO", "HELO"):
            client.docmd(greeting, "mx.outside.example")
            assert client.docmd("MAIL", "FROM:<> RET=HDRS")[0] == 501
            assert client.docmd("MAIL", "FROM:<>")[0] == 250
            for asked in ("NOTIFY=SUCCESS", "NOTIFY=SUCCESS,DELAY", "ORCPT=rfc822;x@outside.example"):
                assert client.docmd("RCPT", f"TO:<info@example.com> {asked}")[0] == 501
            assert client.docmd("ETRN", "example.com")[0] >= 500
            assert client.docmd("VRFY", TITO)[0] == 502
            client.rset()
        client.ehlo()
        assert not {"dsn", "etrn"} & set(client.esmtp_features)

    message = letter(IQBAL, sender=TITO)
    with smtplib.SMTP(mail_host.address, 587, timeout=30) as client:
        client.starttls(context=trusting(mail_host))
        client.login(TITO, mail_host.password(TITO))
        client.sendmail(TITO, [IQBAL], message.as_bytes(), rcpt_options=["NOTIFY=SUCCESS"])
    report = arrived(mail_host, TITO, mail_host.password(TITO), "Successful Mail Delivery Report")
    assert report is not None
    assert message["Subject"] in report.as_string()
    mail_host.run(f"doveadm expunge -u {TITO} mailbox INBOX header from MAILER-DAEMON")


def test_a_long_line_is_stored_as_it_came(mail_host: MailHost):
    """A line break within it would break what S/MIME and PGP have signed, and cut a character in two."""
    message = letter(TITO)
    subject, line = message["Subject"], "ü" * 1650 + "."
    head = "".join(f"{name}: {message[name]}\r\n" for name in ("From", "To", "Subject", "Date", "Message-ID"))
    kind = "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n"
    data = f"{head}{kind}\r\n{line}\r\n".encode()
    with smtplib.SMTP(mail_host.address, 25, local_hostname="mx.outside.example", timeout=30) as client:
        client.sendmail("", [TITO], data, ["BODY=8BITMIME"])
    assert arrived(mail_host, TITO, mail_host.password(TITO), subject) is not None
    with mailbox(mail_host, TITO, mail_host.password(TITO)) as reader:
        reader.select("INBOX", readonly=True)
        number = reader.search(None, "SUBJECT", subject)[1][0].decode()
        body = reader.fetch(number, "(BODY.PEEK[TEXT])")[1][0][1]
    assert body == f"{line}\r\n".encode()
