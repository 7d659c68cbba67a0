"""What mail programs, people and other servers find under the names that each domain has for them."""

from __future__ import annotations

import plistlib
import xml.etree.ElementTree as ET

import pytest
import requests

from lab.mailhost import MailHost
from tests.on_host.settings import TITO, example
from tests.webmail import WebmailClient

pytestmark = pytest.mark.host

REQUEST = """<?xml version="1.0" encoding="utf-8"?>
<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006">
  <Request>
    <EMailAddress>{address}</EMailAddress>
    <AcceptableResponseSchema>{schema}</AcceptableResponseSchema>
  </Request>
</Autodiscover>"""
SCHEMA = "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"
ENVELOPE = "http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006"
NAMES = {"a": SCHEMA, "e": ENVELOPE}


def at(host: MailHost, name: str) -> WebmailClient:
    """A client that asks ``name`` by https, and looks at the certificate."""
    return WebmailClient(name, host.address, str(host.ca))


def got(host: MailHost, name: str, path: str) -> requests.Response:
    client = at(host, name)
    return client.session.get(client.base + path, timeout=30, allow_redirects=False)


def discovered(host: MailHost, address: str, schema: str = SCHEMA) -> ET.Element:
    """What Outlook gets for an address."""
    client, body = at(host, "autodiscover.example.com"), REQUEST.format(address=address, schema=schema)
    answer = client.session.post(
        f"{client.base}/Autodiscover/Autodiscover.xml", body, headers={"Content-Type": "text/xml"}, timeout=30
    )
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/xml; charset=utf-8")
    return ET.fromstring(answer.content)


def test_thunderbird_finds_its_settings_by_http_and_https(mail_host: MailHost):
    for domain in ("example.com", "example.net"):
        name = f"autoconfig.{domain}"
        plain = requests.get(
            f"http://{mail_host.address}/mail/config-v1.1.xml?emailaddress={TITO}", headers={"Host": name}, timeout=30
        )
        safe = got(mail_host, name, "/.well-known/autoconfig/mail/config-v1.1.xml")
        assert plain.content == safe.content
        tree = ET.fromstring(safe.content)
        assert tree.findtext("emailProvider/domain") == domain
        assert [one.findtext("port") for one in tree.iter("incomingServer")] == ["993", "143", "995", "110"]
        assert got(mail_host, name, "/").status_code == 403


def test_outlook_is_told_the_login_that_was_asked_about(mail_host: MailHost):
    tree = discovered(mail_host, "Tito@Example.com")
    ways = {
        one.findtext("a:Type", namespaces=NAMES): [
            one.findtext(f"a:{word}", namespaces=NAMES) for word in ("Server", "Port", "LoginName", "SSL")
        ]
        for one in tree.iterfind(".//a:Protocol", NAMES)
    }
    assert ways == {
        "IMAP": ["mail.example.com", "993", TITO, "on"],
        "SMTP": ["mail.example.com", "465", TITO, "on"],
    }
    newer = got(
        mail_host, "autodiscover.example.net", f"/autodiscover/autodiscover.json?Email={TITO}&Protocol=AutodiscoverV1"
    )
    assert newer.json()["Url"] == "https://autodiscover.example.net/autodiscover/autodiscover.xml"


@pytest.mark.parametrize(
    ("address", "schema", "code"),
    [
        ("somebody@elsewhere.example", SCHEMA, "500"),
        ("<x>]]>&", SCHEMA, "500"),
        ("x" * 15000, SCHEMA, "500"),
        (TITO, "http://schemas.microsoft.com/exchange/autodiscover/mobilesync/responseschema/2006", "601"),
    ],
)
def test_a_question_that_has_no_answer_gets_an_error_and_no_500(mail_host: MailHost, address, schema, code):
    tree = discovered(mail_host, address, schema)
    assert tree.findtext(".//e:ErrorCode", namespaces=NAMES) == code


def test_outlook_is_told_the_same_whatever_password_it_sends_so_nobody_learns_there_which_one_is_right(
    mail_host: MailHost,
):
    """Outlook sends the password along unasked (Basic, RFC 7617): nobody looks at it, and nothing asks for it."""
    client, body = at(mail_host, "autodiscover.example.com"), REQUEST.format(address=TITO, schema=SCHEMA)
    cursor = mail_host.run("journalctl -t dovecot -n 0 --show-cursor").stdout.partition("cursor: ")[2].strip()
    said = []
    for auth in (None, (TITO, mail_host.password(TITO)), (TITO, "not this one"), ("nobody@example.com", "nor this")):
        for path in ("/autodiscover/autodiscover.xml", "/autodiscover/autodiscover.json?Protocol=AutodiscoverV1"):
            answer = client.session.post(client.base + path, body, auth=auth, timeout=30)
            said.append((path, answer.status_code, answer.content, "WWW-Authenticate" in answer.headers))
    assert len(set(said)) == 2, said
    assert {(code, asks) for _, code, _, asks in said} == {(200, False)}
    log = mail_host.run(f"journalctl -t dovecot --after-cursor='{cursor}' -o cat").stdout
    assert "nobody@example.com" not in log, "a password was tried"


def test_apples_profile_is_whole_and_the_same_each_time(mail_host: MailHost):
    page = "webmail.example.com" if mail_host.settings["webmail"] else "mail.example.com"
    first, again = (got(mail_host, page, f"/setup/mail.mobileconfig?address={TITO}") for _ in range(2))
    assert first.headers["Content-Type"] == "application/x-apple-aspen-config; charset=utf-8"
    assert first.content == again.content
    irish = got(mail_host, page, "/setup/mail.mobileconfig?address=O'Brien%26Co@example.com").content
    assert plistlib.loads(irish)["PayloadContent"][0]["EmailAddress"] == "o'brien&co@example.com"
    profile = plistlib.loads(first.content)
    (account,) = profile["PayloadContent"]
    assert (account["EmailAddress"], account["IncomingMailServerUsername"]) == (TITO, TITO)
    assert (account["IncomingMailServerPortNumber"], account["OutgoingMailServerPortNumber"]) == (993, 465)
    other = plistlib.loads(got(mail_host, page, "/setup/mail.mobileconfig?address=iqbal@example.com").content)
    assert other["PayloadUUID"] != profile["PayloadUUID"]
    blank = plistlib.loads(got(mail_host, page, "/setup/mail.mobileconfig?address=<x>@example.com").content)
    assert blank["PayloadContent"][0]["EmailAddress"] == "", "Mail asks for it"


def test_other_servers_find_the_policy_that_names_the_mx(mail_host: MailHost):
    answer = got(mail_host, "mta-sts.example.net", "/.well-known/mta-sts.txt")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/plain; charset=utf-8")
    assert answer.text == "version: STSv1\r\nmode: testing\r\nmx: mail.example.com\r\nmax_age: 86400\r\n"


def test_people_find_how_to_set_up_a_mail_program(mail_host: MailHost):
    page = "webmail.example.com" if mail_host.settings["webmail"] else "mail.example.com"
    answer = got(mail_host, page, "/setup/")
    assert answer.status_code == 200
    assert "mail.example.com" in answer.text
    assert got(mail_host, page, "/setup").headers["Location"] == f"https://{page}/setup/"
    assert got(mail_host, page, "/setup/setup.css").headers["Content-Type"].startswith("text/css")
    assert got(mail_host, page, "/setup/../clients.lua").status_code in (403, 404)


@pytest.mark.releases("debian-12")
def test_without_webmail_the_server_itself_has_the_page_and_without_pages_it_has_none(own_mail_host: MailHost):
    run = own_mail_host.converge(example(webmail=False))
    assert run.rc == 0, run.output
    assert got(own_mail_host, "mail.example.com", "/setup/").status_code == 200
    assert got(own_mail_host, "mail.example.com", "/").status_code == 403
    assert got(own_mail_host, "mta-sts.example.com", "/.well-known/mta-sts.txt").status_code == 200
    verified = own_mail_host.verify()
    assert verified.rc == 0, verified.output + verified.stdout
    run = own_mail_host.converge(example(clients=False))
    assert run.rc == 0, run.output
    assert own_mail_host.run("ls /usr/share/posthaus/pages 2>/dev/null", check=False).stdout == ""
    assert own_mail_host.converge(example(clients=False)).changes == 0
