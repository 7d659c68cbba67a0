"""One's own account in the webmail: the answer while one is away, forwards, one's password, passwords for programs."""

from __future__ import annotations

import imaplib
import re
from collections.abc import Iterator
from html import unescape

import pytest

from lab.mailhost import MailHost
from tests.on_host.browsing import client, soon
from tests.on_host.post import arrived, compose, submit, trusting
from tests.on_host.settings import ANA, IQBAL, TITO
from tests.webmail import Page, WebmailClient

pytestmark = [pytest.mark.host, pytest.mark.webmail]

PAGE = "/plugins/posthaus/account.php"
HOME = "/var/mail/vhosts/example.com/iqbal"
NEW = "käse, brot & wein"


@pytest.fixture
def iqbal(mail_host: MailHost) -> Iterator[WebmailClient]:
    """Iqbal at the webmail, who has no rules before and after."""
    webmail = client(mail_host)
    assert soon(lambda: "right" in webmail.log_in(IQBAL, mail_host.password(IQBAL)).frames)
    yield webmail
    mail_host.run(f"rm -rf {HOME}/sieve {HOME}/.dovecot.s* {HOME}/.dovecot.lda-dupes")


def fill(person: WebmailClient, part: str, button: str = "save", **fields: str) -> Page:
    """The page after one of its forms."""
    form = next(form for form in person.get(PAGE).forms if form.fields.get("part") == part)
    for box in ("on", "keep"):
        form.fields.pop(box, None)
    return person.submit(form, button, **fields)


def said(page: Page) -> list[tuple[str, str]]:
    """What the page tells: right or wrong, and the words."""
    assert page.status == 200
    return [
        (kind, unescape(words)) for kind, words in re.findall(r'<p class="(right|wrong)"[^>]*>(.*?)</p>', page.html)
    ]


SAVED = [("right", "Saved: the mail server has it.")]


def writes(host: MailHost, recipient: str = IQBAL) -> str:
    """The subject of a message from Ana."""
    message = compose(recipient, sender=ANA)
    assert submit(host, ANA, host.password(ANA), ANA, recipient, message) == 250
    return str(message["Subject"])


def has(host: MailHost, login: str, subject: str, seconds: int = 30) -> bool:
    return arrived(host, login, host.password(login), subject, seconds=seconds) is not None


def script(host: MailHost) -> str:
    return host.run(f"cat {HOME}/sieve/posthaus.sieve").stdout


def test_who_writes_while_one_is_away_is_answered_and_the_page_knows_it_again(
    mail_host: MailHost, iqbal: WebmailClient
):
    days = {"from": "2020-01-31", "to": "2099-12-31"}
    words = 'Back "soon" \\ maybe.\r\n.\r\nGrüße, 漢字'
    assert said(fill(iqbal, "vacation", on="1", subject="Away: soon back", text=words, **days)) == SAVED
    form = next(form for form in iqbal.get(PAGE).forms if form.fields.get("part") == "vacation")
    assert form.fields["text"].replace("\r", "") == words.replace("\r", "")
    assert {key: form.fields[key] for key in ("on", "subject", *days)} == {
        "on": "1",
        "subject": "Away: soon back",
        **days,
    }

    writes(mail_host)
    answer = arrived(mail_host, ANA, mail_host.password(ANA), "Away: soon back", seconds=30)
    assert answer is not None
    assert answer.get_payload(decode=True).decode().replace("\r", "").strip() == words.replace("\r", "")

    fill(iqbal, "vacation", subject="Away: soon back", text=words)
    assert not mail_host.run(f"ls {HOME}/.dovecot.sieve", check=False).stdout, "switched off, nothing runs"


def test_mail_is_sent_on_with_or_without_a_copy(mail_host: MailHost, iqbal: WebmailClient):
    assert said(fill(iqbal, "forward", to=TITO, keep="1")) == SAVED
    subject = writes(mail_host)
    assert has(mail_host, TITO, subject)
    assert has(mail_host, IQBAL, subject)
    assert said(fill(iqbal, "forward", to=TITO)) == SAVED
    subject = writes(mail_host)
    assert has(mail_host, TITO, subject)
    assert not has(mail_host, IQBAL, subject, seconds=1)


def test_rules_of_other_programs_go_on_and_what_they_write_is_not_overwritten(
    mail_host: MailHost, iqbal: WebmailClient
):
    mine = 'require "fileinto"; fileinto "Drafts";'
    mail_host.run(f"mkdir -p {HOME}; cat >{HOME}/.dovecot.sieve; chown vmail: {HOME}/.dovecot.sieve", input=mine)
    assert said(fill(iqbal, "forward", to=TITO, keep="1")) == SAVED
    assert "The rules of other programs (dovecot.orig) go on working." in iqbal.get(PAGE).text
    subject = writes(mail_host)
    assert has(mail_host, TITO, subject)
    ours = mail_host.run(f"doveadm search -u {IQBAL} mailbox Drafts subject {subject}").stdout
    assert ours.strip(), "what was put there by hand still files it"

    mail_host.run(f"echo 'keep; # by another program' >>{HOME}/sieve/posthaus.sieve")
    [(kind, words)] = said(fill(iqbal, "forward", to=ANA))
    assert (kind, "Another program has changed this since" in words) == ("wrong", True)
    assert "by another program" in script(mail_host)
    assert said(fill(iqbal, "forward", to=ANA, replace="1")) == SAVED
    assert "by another program" not in script(mail_host)

    fill(iqbal, "forward", to="")
    assert mail_host.run(f"readlink {HOME}/.dovecot.sieve").stdout.strip() == "sieve/dovecot.orig.sieve"
    mail_host.run(f"doveadm expunge -u {IQBAL} mailbox Drafts all")


def test_what_cannot_be_is_said_and_what_dovecot_refuses_in_its_words(mail_host: MailHost, iqbal: WebmailClient):
    [(kind, words)] = said(fill(iqbal, "vacation", on="1", text="x" * 1_100_000))
    assert (kind, "too large" in words.lower()) == ("wrong", True), words
    for part, fields, words in [
        ("vacation", {"on": "1", "text": "x", "from": "2027-01-02", "to": "2027-01-01"}, "before the first"),
        ("vacation", {"on": "1", "text": "x", "from": "31.12."}, "such as 2027-01-31"),
        ("vacation", {"on": "1", "text": " "}, "what people shall read"),
        ("forward", {"to": "tito@example"}, "tito@example is no address"),
        ("forward", {"to": f"{TITO}, {IQBAL}"}, "Your own address"),
    ]:
        [(kind, told)] = said(fill(iqbal, part, **fields))
        assert (kind, words in told) == ("wrong", True), told
    form = next(form for form in iqbal.get(PAGE).forms if form.fields.get("part") == "forward")
    assert "untrusted source" in iqbal.submit(form, "save", smtoken="of another page", to=ANA).text
    assert not mail_host.run(f"ls {HOME}/.dovecot.sieve", check=False).stdout


def test_one_changes_ones_password_and_stays_logged_in(mail_host: MailHost, iqbal: WebmailClient):
    old = mail_host.password(IQBAL)
    for fields, words in [
        ({"current": "not mine", "new": NEW, "again": NEW}, "current password is wrong"),
        ({"current": old, "new": NEW, "again": NEW + "!"}, "two new passwords differ"),
        ({"current": old, "new": "short", "again": "short"}, "fewer than"),
    ]:
        [(kind, told)] = said(fill(iqbal, "password", **fields))
        assert (kind, words in told) == ("wrong", True), told
    [(kind, _)] = said(fill(iqbal, "password", current=old, new=NEW, again=NEW))
    assert kind == "right"
    assert "Current Folder: INBOX" in iqbal.get("/src/right_main.php").text
    assert "password incorrect" in client(mail_host).log_in(IQBAL, old).text
    assert "right" in client(mail_host).log_in(IQBAL, NEW).frames


def test_a_program_gets_a_password_of_its_own_until_it_is_revoked(mail_host: MailHost, iqbal: WebmailClient):
    old = mail_host.password(IQBAL)
    page = fill(iqbal, "apps", "make", current=old, label="Phone <1>")
    [secret] = re.findall(r'<code class="secret">([^<]+)</code>', page.html)

    def gets_in() -> bool:
        with imaplib.IMAP4_SSL(mail_host.address, ssl_context=trusting(mail_host)) as imap:
            try:
                imap.login(IQBAL, secret)
            except imaplib.IMAP4.error:
                return False
            return True

    assert gets_in()
    assert secret not in iqbal.get(PAGE).html
    assert "Phone <1>" in fill(iqbal, "apps", "list", current=old).text
    form = next(form for form in page.forms if form.fields.get("part") == "apps")
    assert "Phone <1> can no longer log in." in iqbal.submit(form, current=old, drop="Phone <1>").text
    assert not gets_in()
    assert "There is none yet." in fill(iqbal, "apps", "list", current=old).text
    [(kind, _)] = said(fill(iqbal, "apps", "list", current="not mine"))
    assert kind == "wrong"


def test_who_is_no_longer_logged_in_gets_in_again_on_the_page_that_says_so(mail_host: MailHost):
    webmail = client(mail_host)
    page = webmail.get(PAGE)
    assert "You must be logged in" in page.text
    form = page.form_with("login_username")
    page = webmail.submit(form, login_username=IQBAL, secretkey=mail_host.password(IQBAL))
    assert "Current Folder: INBOX" in webmail.get(page.frames["right"]).text
