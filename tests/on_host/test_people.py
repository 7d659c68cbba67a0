"""People who come, go and stay away: what a change of mail.yaml does to those who are at work meanwhile."""

from __future__ import annotations

import imaplib
import smtplib

import pytest

from lab.mailhost import MailHost
from tests.on_host import post
from tests.on_host.browsing import client
from tests.on_host.settings import IQBAL, TITO, example
from tests.on_host.test_account import opens
from tests.webmail import Page

pytestmark = pytest.mark.host


WAYS = {"imap", "pop3", "sieve", "smtp"}


def refused(host: MailHost, login: str) -> bool:
    """Whether neither IMAP, POP3, ManageSieve nor submission lets ``login`` in, the right password notwithstanding."""
    password = host.password(login)
    # an smtpd that has let somebody in a moment ago still asks the auth process of then
    assert not opens(host, "smtp", login, password)
    assert ways(host, login) == set()
    with pytest.raises(smtplib.SMTPAuthenticationError):
        post.submit(host, login, password, login, TITO, post.compose(TITO, sender=login))
    return True


def ways(host: MailHost, login: str) -> set[str]:
    """By which protocols ``login`` gets in."""
    return {way for way in WAYS if opens(host, way, login, host.password(login))}


def at_the_webmail(host: MailHost, login: str) -> Page:
    """The page after the login page, which speaks Indonesian."""
    webmail = client(host)
    assert "Nama: Sandi:" in webmail.get("/").text
    return webmail.log_in(login, host.password(login))


def still_there(session: imaplib.IMAP4) -> None:
    """Ask twice: what the server said when it hung up may come first."""
    session.noop()
    session.noop()


def test_who_is_disabled_is_cut_off_and_loses_nothing(mail_host: MailHost):
    away = example()
    if away["webmail"]:
        away["webmail"]["language"] = "id_ID"
    away["mailboxes"][IQBAL]["login"] = False
    with post.mailbox(mail_host, IQBAL, mail_host.password(IQBAL)) as before:
        before.select("INBOX")
        assert ways(mail_host, IQBAL) == WAYS
        run = mail_host.converge(away)
        assert run.rc == 0, run.output
        with pytest.raises((imaplib.IMAP4.abort, OSError)):
            still_there(before)
    assert refused(mail_host, IQBAL)
    assert ways(mail_host, TITO) == WAYS
    if away["webmail"]:
        assert "Nama tidak dikenal atau sandinya salah." in at_the_webmail(mail_host, IQBAL).text
        frames = at_the_webmail(mail_host, TITO).frames
        menu = client(mail_host, TITO).get(frames["right"]).text
        assert all(word in menu for word in ("Tulis surat", "Alamat", "Pilihan", "Keluar")), menu
    assert mail_host.converge().changes == 0
    direct, by_alias = post.compose(IQBAL), post.compose("info@example.com")
    assert post.deliver(mail_host, IQBAL, message=direct) == 250
    assert post.deliver(mail_host, "info@example.com", message=by_alias) == 250
    assert post.arrived(mail_host, TITO, mail_host.password(TITO), by_alias["Subject"], seconds=60)
    back = mail_host.converge(example())
    assert back.rc == 0, back.output
    assert ways(mail_host, IQBAL) == WAYS
    if away["webmail"]:
        assert "Name: Password:" in client(mail_host).get("/").text
    for message in (direct, by_alias):
        assert post.arrived(mail_host, IQBAL, mail_host.password(IQBAL), message["Subject"], seconds=60)
