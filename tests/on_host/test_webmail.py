"""The webmail as people use it: written in SquirrelMail, read in SquirrelMail, by IMAP and by POP3."""

from __future__ import annotations

import re
from base64 import b64encode
from email.message import EmailMessage
from uuid import uuid4

import pytest

from lab.mailhost import MailHost
from tests.on_host.browsing import BODY, HOSTNAME, NOTE, by_imap, by_pop3, client, new_subject, soon
from tests.on_host.settings import ANA, IQBAL, TITO, example
from tests.webmail import Page

pytestmark = [pytest.mark.host, pytest.mark.webmail]

PICTURE = ("picture.bin", bytes(range(256)) * 1200)  # 300 kB of every byte
COMPLAINTS = re.compile(r"(?:Warning|Notice|Deprecated|Fatal error|Parse error): |<\?php|\ufffd")


def php_log(host: MailHost) -> str:
    return host.run("cat /var/log/squirrelmail/*.log 2>/dev/null", check=False).stdout


def test_a_message_written_in_the_webmail_is_read_there_by_imap_and_by_pop3(mail_host: MailHost):
    subject = new_subject()
    tito = client(mail_host, TITO)
    assert "Your mail has been sent" in tito.write(IQBAL, subject, BODY, [NOTE, PICTURE]).text
    iqbal = client(mail_host, IQBAL)
    assert soon(lambda: subject in iqbal.messages())

    page = iqbal.read(subject)
    assert f"Subject: {subject}" in page.text
    assert "Tito Puente" in page.text
    assert all(line in page.text for line in BODY.split("\n"))
    assert iqbal.download(page, NOTE[0]) == NOTE[1]
    assert iqbal.download(page, PICTURE[0]) == PICTURE[1]

    for msg in (by_imap(mail_host, IQBAL, subject), by_pop3(mail_host, IQBAL, subject)):
        assert msg["From"].addresses[0].addr_spec == TITO
        assert msg["From"].addresses[0].display_name == "Tito Puente"
        body, *attachments = msg.walk() if not msg.is_multipart() else msg.iter_parts()
        assert body.get_content_charset() == "utf-8"
        assert body.get_content().rstrip("\n") == BODY.rstrip("\n")
        assert [(part.get_filename(), part.get_payload(decode=True)) for part in attachments] == [NOTE, PICTURE]
        header = msg.as_bytes().partition(b"\n\n")[0]
        assert header.isascii()
    assert subject in tito.messages("Sent")
    assert "You have been successfully signed out" in tito.sign_out().text
    assert "You must be logged in" in tito.get("/src/right_main.php").text


def test_nobody_learns_where_the_writer_sat(mail_host: MailHost):
    subject = new_subject()
    tito = client(mail_host, TITO)
    tito.write(IQBAL, subject, "From the beach.")
    assert soon(lambda: subject in client(mail_host, IQBAL).messages())
    msg = by_imap(mail_host, IQBAL, subject).as_string()
    browser = mail_host.run("tail -n 1 /var/log/apache2/access.log | cut -d' ' -f1").stdout.strip()
    assert browser
    assert browser not in msg


def test_a_wrong_password_says_so_and_lets_nobody_in(mail_host: MailHost):
    webmail = client(mail_host)
    page = webmail.log_in(TITO, "not this one")
    assert "Unknown user or password incorrect" in page.text
    assert not page.frames
    assert "You must be logged in" in webmail.get("/src/right_main.php").text


def test_somebody_new_finds_an_empty_inbox_and_can_write(own_mail_host: MailHost):
    own_mail_host.run("rm -rf /var/mail/vhosts/example.net/ana")
    ana = client(own_mail_host, ANA)
    assert "THIS FOLDER IS EMPTY" in ana.get("/src/right_main.php").text.upper()
    subject = new_subject()
    assert "Your mail has been sent" in ana.write(TITO, subject, "I am new here.").text
    tito = client(own_mail_host, TITO)
    assert soon(lambda: subject in tito.messages())
    assert not own_mail_host.run("find /var/mail/vhosts/example.net/ana ! -user vmail").stdout


def test_drafts_sent_messages_and_trash_share_folders_with_every_other_program(mail_host: MailHost):
    draft, sent = new_subject(), new_subject()
    tito = client(mail_host, TITO)
    tito.write(IQBAL, draft, "Not yet.", button="draft")
    tito.write(TITO, sent, "To myself.")
    assert soon(lambda: sent in tito.messages())
    tito.submit(tito.read(sent).form_with("delete"), "delete")
    assert sent not in tito.messages()
    assert draft in tito.messages("Drafts")
    assert sent in tito.messages("Sent")
    assert sent in tito.messages("Trash")
    folders = mail_host.run(f"doveadm mailbox list -u {TITO}").stdout.split()
    assert [folders.count(name) for name in ("Drafts", "Sent", "Trash", "Junk")] == [1, 1, 1, 1]
    assert not [name for name in folders if name.startswith("INBOX") and name != "INBOX"]


OLD_CHARSETS = {
    "windows-1251": "Привет, мир",
    "koi8-r": "Здравствуй",
    "iso-8859-2": "Zażółć gęślą jaźń",
    "iso-2022-jp": "こんにちは世界",
    "shift_jis": "表示とソフト",
    "gb2312": "你好世界",
    "big5": "許功蓋世",
    "euc-kr": "안녕하세요",
}


@pytest.mark.parametrize("charset", OLD_CHARSETS)
def test_messages_in_old_character_sets_are_readable(mail_host: MailHost, charset: str):
    text = OLD_CHARSETS[charset]
    subject = f"{text} {uuid4().hex[:8]}"
    msg = EmailMessage()
    msg["From"], msg["To"] = "out@example.org", TITO
    msg.set_content(text, charset=charset)
    encoded = b64encode(subject.encode(charset)).decode()  # RFC 2047; EmailMessage would make it utf-8
    header = f"Subject: =?{charset}?B?{encoded}?=\n".encode()
    mail_host.run(f"doveadm save -u {TITO}", input=header + msg.as_bytes())
    page = client(mail_host, TITO).read(subject)
    assert f"Subject: {subject}" in page.text
    assert page.text.count(text) >= 2
    assert "\ufffd" not in page.html


BROKEN = {
    "x-nobody-knows": (
        b"Content-Type: text/plain; charset=x-nobody-knows\nContent-Transfer-Encoding: 8bit\n\nGr\xfc\xdfe\n",
        "Grüße",
    ),
    "no boundary": (b"Content-Type: multipart/mixed\n\nHello without any boundary.\n", "Hello without any boundary."),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_messages_that_break_the_rules_are_readable(mail_host: MailHost, kind: str):
    body, text = BROKEN[kind]
    subject = uuid4().hex
    mail_host.run(f"doveadm save -u {TITO}", input=f"Subject: {subject}\nMIME-Version: 1.0\n".encode() + body)
    page = client(mail_host, TITO).read(subject)  # which takes nothing but UTF-8
    assert text in page.text


def test_every_page_is_whole_and_php_has_nothing_to_complain_about(mail_host: MailHost):
    before = php_log(mail_host)
    tito, subject = client(mail_host, TITO), new_subject()
    tito.write(TITO, subject, BODY, [NOTE])
    assert soon(lambda: subject in tito.messages())
    msg = tito.read(subject)
    tito.submit(msg.form_with("smaction_reply"), "smaction_reply")
    tito.submit(msg.form_with("smaction_forward"), "smaction_forward")
    tito.get(msg.link("view_header"))
    tito.submit(tito.get("/src/search.php").forms[-1], "submit")
    book = tito.get("/src/addressbook.php").form_with("addaddr[email]")
    person = {"addaddr[nickname]": uuid4().hex[:8], "addaddr[email]": IQBAL, "addaddr[firstname]": "محمد"}
    tito.submit(book, "addaddr[SUBMIT]", (), **person)
    for path in ("left_main", "folders", "options", "help", "about", "options_highlight", "options_order"):
        tito.get(f"/src/{path}.php")
    for page in ("personal", "display", "folder", "compose"):
        tito.get("/src/options.php", optpage=page)
    for page in tito.seen:
        assert page.status == 200, page.url
        assert not COMPLAINTS.search(page.html), page.url
        assert len(page.html) > 500, page.url
    assert php_log(mail_host) == before


def test_a_large_file_goes_out_and_one_too_large_leaves_the_message_as_it_is(mail_host: MailHost):
    """message_size is 50 MiB by default: 37 MiB of file make 50 MiB of message."""
    subject = new_subject()
    large, larger = ("large.bin", b"\xa5" * (36 << 20)), ("larger.bin", b"\xa5" * (40 << 20))
    tito = client(mail_host, TITO)
    fields = {"send_to": IQBAL, "subject": subject, "body": "My whole draft."}
    form = tito.get("/src/compose.php").form_with("attach")
    page = tito.submit(form, "attach", (larger,), **fields)
    assert page.form_with("send").fields["body"].strip() == "My whole draft."
    page = tito.submit(page.form_with("attach"), "attach", (large,), **fields)
    assert "Your mail has been sent" in tito.submit(page.form_with("send"), "send", (), **fields).text
    iqbal = client(mail_host, IQBAL)
    assert soon(lambda: subject in iqbal.messages(), seconds=60)
    assert iqbal.download(iqbal.read(subject), "large.bin") == large[1]
    mail_host.run(
        f"doveadm expunge -u {IQBAL} mailbox INBOX larger 10M; doveadm expunge -u {TITO} mailbox Sent larger 10M"
    )


def test_the_other_branch_is_one_option_away_and_the_way_back_too(own_mail_host: MailHost):
    run = own_mail_host.converge(example(webmail={"hostname": HOSTNAME, "branch": "stable"}))
    assert run.rc == 0, run.output
    assert "1.4.23" in own_mail_host.pyinfra("fact", "facts.squirrelmail.SquirrelMail").output
    subject = new_subject()
    tito = client(own_mail_host, TITO)
    tito.write(IQBAL, subject, BODY, [NOTE])
    iqbal = client(own_mail_host, IQBAL)
    assert soon(lambda: subject in iqbal.messages())
    assert iqbal.download(iqbal.read(subject), NOTE[0]) == NOTE[1]
    assert len(own_mail_host.run("ls /usr/share/squirrelmail-versions").stdout.split()) == 2
    run = own_mail_host.converge(example())
    assert run.rc == 0, run.output
    assert (
        "76b545c9882c605564a886ec6739287a2ee32abe"
        in own_mail_host.pyinfra("fact", "facts.squirrelmail.SquirrelMail").output
    )
    page: Page = client(own_mail_host, IQBAL).read(subject)
    assert f"Subject: {subject}" in page.text


def test_a_reader_chooses_a_language_and_a_time_zone_and_has_a_clock_of_24_hours(mail_host: MailHost):
    subject = uuid4().hex
    head = f"Subject: {subject}\nFrom: out@example.org\nDate: Thu, 26 Nov 2026 20:30:00 +0000\n\nHello\n"
    mail_host.run(f"doveadm save -u {ANA}", input=head)
    ana = client(mail_host, ANA)
    assert "November 26, 2026 20:30" in ana.read(subject).text
    try:
        for page, choice in (("personal", {"new_timezone": "Asia/Jakarta"}), ("display", {"new_language": "id_ID"})):
            form = ana.get("/src/options.php", optpage=page).form_with(next(iter(choice)))
            ana.submit(form, next(button for button in form.buttons if button.startswith("submit")), **choice)
        ana = client(mail_host, ANA)
        text = ana.read(subject).text
        assert "27" in text
        assert "2026 03:30" in text
        assert "Tulis surat" in text
        assert "Akun Anda" in ana.get("/src/options.php").text
        assert "Simpan salinan di sini" in ana.get("/plugins/posthaus/account.php").text
    finally:
        mail_host.run(f"rm -f /var/lib/squirrelmail/data/{ANA}.pref; doveadm expunge -u {ANA} mailbox INBOX all")


UNSUBSCRIBE = {
    "<https://lists.example.org/leave?a=1>": ("https://lists.example.org/leave?a=1",),
    "<mailto:leave@lists.example.org?subject=out>": ("compose.php?send_to=leave%40lists.example.org&subject=out",),
    "<javascript:alert(1)>": (),
    '<https://x.example/"onclick="alert(1)>': (),
}


@pytest.mark.parametrize("header", UNSUBSCRIBE)
def test_a_mailing_list_is_left_by_a_link_that_runs_nothing(mail_host: MailHost, header: str):
    subject = uuid4().hex
    head = f"Subject: {subject}\nFrom: out@example.org\nList-Unsubscribe: {header}\n\nHello\n"
    mail_host.run(f"doveadm save -u {TITO}", input=head)
    page = client(mail_host, TITO).read(subject)
    links = [address for text, address in page.links if text.strip() == "Unsubscribe"]
    assert tuple(link.removeprefix(f"https://{HOSTNAME}/src/") for link in links) == UNSUBSCRIBE[header]
    assert "alert(1)" not in page.html
