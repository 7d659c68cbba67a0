"""What the webmail keeps of who has logged in: no password, nothing that opens more than mail, and not for long."""

from __future__ import annotations

import imaplib
import smtplib
from collections.abc import Iterator

import pytest

from lab.mailhost import MailHost
from tests.on_host import poppassd
from tests.on_host.browsing import client, dovecot_cpu, soon
from tests.on_host.post import trusting
from tests.on_host.settings import ANA, IQBAL, TITO
from tests.webmail import WebmailClient

pytestmark = [pytest.mark.host, pytest.mark.webmail]

NEW = "seventeen quiet herons"
SESSIONS = "/var/lib/posthaus-account/webmail"
LIST = "/src/right_main.php"
INSIDE = "Current Folder: INBOX"
PAGES = 20


@pytest.fixture
def iqbal(mail_host: MailHost) -> Iterator[WebmailClient]:
    """Iqbal at the webmail with the declared password, which he has again afterwards."""
    yield client(mail_host, IQBAL)
    if mail_host.run("cd /var/lib/posthaus-account && [ ! -s chosen ] || { : >chosen; echo chosen; }").stdout:
        webmail = client(mail_host)
        assert soon(lambda: "right" in webmail.log_in(IQBAL, mail_host.password(IQBAL)).frames, 60)


def begun(host: MailHost, login: str) -> str:
    """The secret of a session, as the webmail gets it."""
    said = poppassd.ask(host, login, host.password(login), "session")
    assert said.startswith("200 "), said
    return said.removeprefix("200 ")


def kept(host: MailHost, login: str) -> int:
    """How many sessions of the webmail the host knows of."""
    return int(host.run(f"cat {SESSIONS}/* | grep -c /{login}/.*/imap: || :").stdout)


def test_a_page_costs_dovecot_a_few_milliseconds(mail_host: MailHost):
    tito = client(mail_host, TITO)
    tito.get(LIST)
    before = dovecot_cpu(mail_host)
    pages = [tito.get(LIST) for _ in range(PAGES)]
    cost = (dovecot_cpu(mail_host) - before) / PAGES
    assert all(INSIDE in page.text for page in pages)
    assert cost < 15, "3 to 4 measured; 39 with the hash of a password and a process for each page"


def test_a_session_is_good_from_the_host_alone_wherever_the_browser_is(mail_host: MailHost):
    secret = begun(mail_host, TITO)
    assert poppassd.opens_here(mail_host, TITO, secret)
    assert poppassd.opens_here(mail_host, TITO, secret, origin="203.0.113.9")
    assert not poppassd.opens_here(mail_host, ANA, secret)
    with imaplib.IMAP4_SSL(mail_host.address, ssl_context=trusting(mail_host)) as imap, pytest.raises(imap.error):
        imap.login(TITO, secret)
    smtp = smtplib.SMTP_SSL(mail_host.address, 465, context=trusting(mail_host), timeout=60)
    with smtp, pytest.raises(smtplib.SMTPAuthenticationError):
        smtp.login(TITO, secret)
    assert poppassd.change(mail_host, TITO, secret, NEW) == "500 The current password is wrong"


def test_a_password_that_is_changed_elsewhere_ends_it_at_once_and_nobody_elses(
    mail_host: MailHost, iqbal: WebmailClient
):
    tito = client(mail_host, TITO)
    assert INSIDE in iqbal.get(LIST).text
    assert poppassd.change(mail_host, IQBAL, mail_host.password(IQBAL), NEW) == "200 The password is changed"
    page = iqbal.get(LIST)
    assert INSIDE not in page.text
    assert "password incorrect" in page.text
    assert kept(mail_host, IQBAL) == 0
    assert INSIDE in tito.get(LIST).text


def test_who_logs_out_leaves_nothing_behind(mail_host: MailHost):
    before = kept(mail_host, ANA)
    ana = client(mail_host, ANA)
    assert kept(mail_host, ANA) == before + 1
    ana.sign_out()
    assert kept(mail_host, ANA) == before


def test_where_no_session_is_to_be_had_people_read_their_mail_all_the_same(mail_host: MailHost):
    mail_host.run("systemctl stop posthaus-account.socket")
    try:
        ana = client(mail_host, ANA)
        assert INSIDE in ana.get(LIST).text
        assert "signed out" in ana.sign_out().text
    finally:
        mail_host.run("systemctl start posthaus-account.socket")
    secret = poppassd.ask(mail_host, ANA, mail_host.password(ANA), "newapp the webmail").removeprefix("200 ")
    webmail = client(mail_host)
    assert "right" in webmail.log_in(ANA, secret).frames
    assert poppassd.ask(mail_host, ANA, mail_host.password(ANA), "dropapp the webmail").startswith("200")
    assert INSIDE not in webmail.get(LIST).text
