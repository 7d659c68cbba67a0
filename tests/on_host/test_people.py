"""People who come, go and stay away: what a change of mail.yaml does to those who are at work meanwhile."""

from __future__ import annotations

import imaplib
import smtplib

import pytest

from lab.mailhost import MailHost
from tests.on_host import post
from tests.on_host.settings import IQBAL, TITO, example

pytestmark = pytest.mark.host


def refused(host: MailHost, login: str) -> bool:
    """Whether neither IMAP nor submission lets ``login`` in, the right password notwithstanding."""
    password = host.password(login)
    with pytest.raises(imaplib.IMAP4.error), post.mailbox(host, login, password):
        pass
    with pytest.raises(smtplib.SMTPAuthenticationError):
        post.submit(host, login, password, login, TITO, post.compose(TITO, sender=login))
    return True


def still_there(session: imaplib.IMAP4) -> None:
    """Ask twice: what the server said when it hung up may come first."""
    session.noop()
    session.noop()


def test_who_is_disabled_is_cut_off_and_loses_nothing(mail_host: MailHost):
    away = example()
    away["mailboxes"][IQBAL]["login"] = False
    with post.mailbox(mail_host, IQBAL, mail_host.password(IQBAL)) as before:
        before.select("INBOX")
        run = mail_host.converge(away)
        assert run.rc == 0, run.output
        with pytest.raises((imaplib.IMAP4.abort, OSError)):
            still_there(before)
    assert refused(mail_host, IQBAL)
    assert mail_host.converge().changes == 0
    direct, by_alias = post.compose(IQBAL), post.compose("info@example.com")
    assert post.deliver(mail_host, IQBAL, message=direct) == 250
    assert post.deliver(mail_host, "info@example.com", message=by_alias) == 250
    assert post.arrived(mail_host, TITO, mail_host.password(TITO), by_alias["Subject"], seconds=60)
    back = mail_host.converge(example())
    assert back.rc == 0, back.output
    for message in (direct, by_alias):
        assert post.arrived(mail_host, IQBAL, mail_host.password(IQBAL), message["Subject"], seconds=60)
