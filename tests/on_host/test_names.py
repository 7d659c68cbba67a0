"""People's names, and addresses that some programs would trip over: received, read, sent, found by mail programs."""

from __future__ import annotations

import imaplib
import smtplib
from base64 import b64encode

import pytest
import requests

from lab.mailhost import MailHost
from lab.passwords import hashed
from tests.on_host.browsing import by_imap, client, new_subject, soon
from tests.on_host.post import arrived, compose, deliver, submit, trusting
from tests.on_host.settings import EXAMPLE, TITO, example

pytestmark = [pytest.mark.host, pytest.mark.webmail]

PASSWORD = "one for them all"
WRITTEN, CAROL = "carol@bücher.example", "carol@xn--bcher-kva.example"
ODD = ("a&b@example.com", "x=y~z#q@example.com")
ALIAS = "o'neil@example.com"
NAME = "Carol Büro O'Neil & Co"
SETTINGS = example(
    domains=[*EXAMPLE["domains"], "bücher.example"],
    mailboxes={
        **EXAMPLE["mailboxes"],
        **{address: {"password": hashed(PASSWORD), "name": NAME} for address in (WRITTEN, *ODD)},
    },
    aliases={**EXAMPLE["aliases"], ALIAS: [TITO]},
)


def may_log_in(host: MailHost, login: str) -> bool:
    """Whether IMAP knows the name."""
    with imaplib.IMAP4_SSL(host.address, 993, ssl_context=trusting(host), timeout=30) as imap:
        return imap.authenticate("PLAIN", lambda _: f"\0{login}\0{PASSWORD}".encode())[0] == "OK"


def may_send(host: MailHost, login: str, sender: str) -> bool:
    """Whether submission lets the login write as ``sender``. (smtplib's own login() takes ASCII alone.)"""
    with smtplib.SMTP(host.address, 587, local_hostname="laptop.at.home", timeout=30) as client:
        client.starttls(context=trusting(host))
        client.ehlo()
        client.docmd("AUTH", "PLAIN " + b64encode(f"\0{login}\0{PASSWORD}".encode()).decode())
        return client.mail(sender)[0] == 250 == client.rcpt(TITO)[0]


def test_odd_and_international_addresses_and_their_names_work_everywhere(own_mail_host: MailHost):
    host = own_mail_host
    run = host.converge(SETTINGS)
    assert run.rc == 0, run.output
    host.passwords |= dict.fromkeys((CAROL, WRITTEN, *ODD), PASSWORD)

    for address in (CAROL, *ODD):
        message, answer, subject = compose(address), compose(TITO, sender=address), new_subject()
        assert deliver(host, address, message=message) == 250, address
        assert arrived(host, address, PASSWORD, message["Subject"]), address
        assert submit(host, address, PASSWORD, address, TITO, answer) == 250, address
        written = client(host, WRITTEN if address == CAROL else address).write(TITO, subject, "x")
        assert "Your mail has been sent" in written.text, address
        tito = client(host, TITO)
        assert soon(lambda tito=tito, subject=subject: subject in tito.messages())
        sender = by_imap(host, TITO, subject)["From"].addresses[0]
        assert (sender.display_name.strip('"'), sender.addr_spec) == (NAME, address)

    message = compose(ALIAS)
    assert deliver(host, ALIAS, message=message) == 250
    assert arrived(host, TITO, host.password(TITO), message["Subject"])
    assert submit(host, TITO, host.password(TITO), ALIAS, TITO, compose(TITO, sender=ALIAS)) == 250

    assert may_log_in(host, WRITTEN)
    assert may_send(host, WRITTEN, CAROL)
    profile = requests.get(
        f"https://{host.address}/setup/mail.mobileconfig",
        {"address": WRITTEN},
        headers={"Host": "webmail.example.com"},
        verify=False,
        timeout=30,
    ).text
    assert profile.count(CAROL) == 3
    assert "<string>xn--bcher-kva.example</string>" in profile  # the account's name, for want of a title

    page = client(host, WRITTEN)
    form = page.get("/src/options.php", optpage="personal").form_with("new_full_name")
    page.submit(form, "submit_personal", (), new_full_name="Chosen Otherwise")
    subject = new_subject()
    client(host, WRITTEN).write(TITO, subject, "x")
    assert soon(lambda: subject in client(host, TITO).messages())
    assert by_imap(host, TITO, subject)["From"].addresses[0].display_name == "Chosen Otherwise"
    assert host.converge().changes == 0
