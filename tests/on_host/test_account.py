"""People's own passwords: what one chooses counts at once, everywhere, until mail.yaml says otherwise."""

from __future__ import annotations

import imaplib
import poplib
import smtplib
from collections.abc import Iterator

import pytest

from lab.mailhost import MailHost
from tests.on_host import poppassd
from tests.on_host.post import trusting
from tests.on_host.settings import IQBAL, PASSWORDS, TITO

pytestmark = pytest.mark.host

NEW = 'löffel wörter "42" {of} %u:tea'
OTHER = "seventeen quiet herons"


@pytest.fixture(autouse=True)
def _nobody_has_chosen(mail_host: MailHost) -> Iterator[None]:
    yield
    for name in ("chosen", "apps"):
        mail_host.run(f": >/var/lib/posthaus-account/{name}")


def opens(host: MailHost, protocol: str, login: str, password: str) -> bool:
    """Whether a mail program gets in."""
    try:
        if protocol == "imap":
            imap = imaplib.IMAP4_SSL(host.address, 993, ssl_context=trusting(host), timeout=60)
            imap.authenticate("PLAIN", lambda _: f"\0{login}\0{password}".encode())
            imap.shutdown()
        elif protocol == "pop3":
            pop = poplib.POP3_SSL(host.address, 995, context=trusting(host), timeout=60)
            pop.encoding = "UTF-8"
            pop.user(login)
            pop.pass_(password)
            pop.close()
        else:
            with smtplib.SMTP_SSL(host.address, 465, context=trusting(host), timeout=60) as smtp:
                smtp.ehlo()
                smtp.user, smtp.password = login, password
                code, _ = smtp.docmd("AUTH", "PLAIN " + plain(login, password))
                return code == 235
    except (imaplib.IMAP4.error, poplib.error_proto):
        return False
    return True


def plain(login: str, password: str) -> str:
    import base64

    return base64.b64encode(f"\0{login}\0{password}".encode()).decode()


def ways(host: MailHost, login: str, password: str) -> set[str]:
    return {protocol for protocol in ("imap", "pop3", "smtp") if opens(host, protocol, login, password)}


def test_what_one_chooses_counts_at_once_and_the_declared_password_no_more(mail_host: MailHost):
    host = mail_host
    assert poppassd.change(host, IQBAL, PASSWORDS[IQBAL], NEW) == "200 The password is changed"
    assert ways(host, IQBAL, NEW) == {"imap", "pop3", "smtp"}
    assert ways(host, IQBAL, PASSWORDS[IQBAL]) == set()
    assert ways(host, TITO, PASSWORDS[TITO]) == {"imap", "pop3", "smtp"}
