"""The webmail as people use it: written in SquirrelMail, read in SquirrelMail, by IMAP and by POP3."""

from __future__ import annotations

import imaplib
import poplib
import re
import ssl
import time
from base64 import b64encode
from collections.abc import Callable
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from urllib.parse import unquote_plus
from uuid import uuid4

import pytest
import requests

from lab.mailhost import MailHost
from tests.on_host.words import ANA, IQBAL, TITO, example
from tests.webmail import Page, WebmailClient

pytestmark = [pytest.mark.host, pytest.mark.webmail]

HOSTNAME = "webmail.example.com"
SUBJECT = "Żółć 漢字 €"
BODY = "Drogi Iqbalu,\n\nŻółć 漢字 €\n.\n..dots at the start\n"
NOTE = ("Übersicht 漢.txt", "Grüße, 漢字\n".encode())
PICTURE = ("picture.bin", bytes(range(256)) * 1200)  # 300 kB of every byte
COMPLAINTS = re.compile(r"(?:Warning|Notice|Deprecated|Fatal error|Parse error): |<\?php|\ufffd")


def client(host: MailHost, address: str | None = None, **options: int) -> WebmailClient:
    """A browser at the host's webmail, logged in as ``address``."""
    webmail = WebmailClient(HOSTNAME, host.address, str(host.ca), **options)
    if address:
        page = webmail.log_in(address, host.password(address))
        assert "right" in page.frames, page.text
    return webmail


def new_subject() -> str:
    """A subject that no other test's letter has."""
    return f"{SUBJECT} {uuid4().hex[:8]}"


def soon(ask: Callable[[], bool], seconds: int = 20) -> bool:
    """Whether it becomes true in time."""
    ends = time.monotonic() + seconds
    while not ask():
        if time.monotonic() > ends:
            return False
        time.sleep(0.2)
    return True


def trusting(host: MailHost) -> ssl.SSLContext:
    """TLS that believes the host's own authority, and looks at no name: we connect by address."""
    context = ssl.create_default_context(cafile=str(host.ca))
    context.check_hostname = False
    return context


def by_imap(host: MailHost, address: str, subject: str) -> EmailMessage:
    """The letter with that subject, as IMAP gives it."""
    with imaplib.IMAP4_SSL(host.address, ssl_context=trusting(host)) as imap:
        imap.authenticate("PLAIN", lambda _: f"\0{address}\0{host.password(address)}".encode())
        imap.select("INBOX", readonly=True)
        return wanted(
            subject, (imap.fetch(n, "(BODY.PEEK[])")[1][0][1] for n in imap.search(None, "ALL")[1][0].split())
        )


def by_pop3(host: MailHost, address: str, subject: str) -> EmailMessage:
    """The letter with that subject, as POP3 gives it."""
    pop = poplib.POP3_SSL(host.address, context=trusting(host))
    try:
        pop.user(address)
        pop.pass_(host.password(address))
        count, _ = pop.stat()
        return wanted(subject, (b"\r\n".join(pop.retr(number)[1]) for number in range(1, count + 1)))
    finally:
        pop.quit()


def wanted(subject: str, letters) -> EmailMessage:
    parsed = (message_from_bytes(letter.replace(b"\r\n", b"\n"), policy=default) for letter in letters)
    return next(letter for letter in parsed if letter["Subject"] == subject)


def php_log(host: MailHost) -> str:
    return host.run("cat /var/log/squirrelmail/*.log 2>/dev/null", check=False).stdout


def test_a_letter_written_in_the_webmail_is_read_there_by_imap_and_by_pop3(mail_host: MailHost):
    subject = new_subject()
    tito = client(mail_host, TITO)
    assert "Your mail has been sent" in tito.write(IQBAL, subject, BODY, [NOTE, PICTURE]).text
    iqbal = client(mail_host, IQBAL)
    assert soon(lambda: subject in iqbal.messages())

    page = iqbal.read(subject)
    assert f"Subject: {subject}" in page.text
    assert f"From: {TITO}" in page.text
    assert all(line in page.text for line in BODY.split("\n"))
    assert iqbal.download(page, NOTE[0]) == NOTE[1]
    assert iqbal.download(page, PICTURE[0]) == PICTURE[1]

    for letter in (by_imap(mail_host, IQBAL, subject), by_pop3(mail_host, IQBAL, subject)):
        assert letter["From"].addresses[0].addr_spec == TITO
        body, *attachments = letter.walk() if not letter.is_multipart() else letter.iter_parts()
        assert body.get_content_charset() == "utf-8"
        assert body.get_content().rstrip("\n") == BODY.rstrip("\n")
        assert [(part.get_filename(), part.get_payload(decode=True)) for part in attachments] == [NOTE, PICTURE]
        header = letter.as_bytes().partition(b"\n\n")[0]
        assert header.isascii()
    assert subject in tito.messages("Sent")
    assert "You have been successfully signed out" in tito.sign_out().text
    assert "You must be logged in" in tito.get("/src/right_main.php").text


def test_nobody_learns_where_the_writer_sat(mail_host: MailHost):
    subject = new_subject()
    tito = client(mail_host, TITO)
    tito.write(IQBAL, subject, "From the beach.")
    assert soon(lambda: subject in client(mail_host, IQBAL).messages())
    letter = by_imap(mail_host, IQBAL, subject).as_string()
    browser = mail_host.run("tail -n 1 /var/log/apache2/access.log | cut -d' ' -f1").stdout.strip()
    assert browser
    assert browser not in letter


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


def test_drafts_sent_letters_and_trash_share_folders_with_every_other_program(mail_host: MailHost):
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


OLD_WORDS = {
    "windows-1251": "Привет, мир",
    "koi8-r": "Здравствуй",
    "iso-8859-2": "Zażółć gęślą jaźń",
    "iso-2022-jp": "こんにちは世界",
    "shift_jis": "表示とソフト",
    "gb2312": "你好世界",
    "big5": "許功蓋世",
    "euc-kr": "안녕하세요",
}


@pytest.mark.parametrize("charset", OLD_WORDS)
def test_letters_in_old_character_sets_are_readable(mail_host: MailHost, charset: str):
    text = OLD_WORDS[charset]
    subject = f"{text} {uuid4().hex[:8]}"
    letter = EmailMessage()
    letter["From"], letter["To"] = "out@example.org", TITO
    letter.set_content(text, charset=charset)
    encoded = b64encode(subject.encode(charset)).decode()  # RFC 2047; EmailMessage would make it utf-8
    header = f"Subject: =?{charset}?B?{encoded}?=\n".encode()
    mail_host.run(f"doveadm save -u {TITO}", input=header + letter.as_bytes())
    page = client(mail_host, TITO).read(subject)
    assert f"Subject: {subject}" in page.text
    assert page.text.count(text) >= 2
    assert "\ufffd" not in page.html


def test_every_cookie_is_for_https_only_and_out_of_the_reach_of_scripts(mail_host: MailHost):
    webmail, said = client(mail_host), []
    form = webmail.get("/src/login.php").form_with("login_username")
    words = {**form.fields, "login_username": TITO, "secretkey": mail_host.password(TITO)}
    for method, data in (("GET", {}), ("POST", words)):
        url = form.action if data else f"{webmail.base}/src/login.php"
        response = webmail.session.request(method, url, data=data, allow_redirects=False, timeout=30)
        said += response.raw.headers.getlist("Set-Cookie")
    assert response.status_code == 302  # fail2ban counts the others
    assert any(cookie.startswith("SQMSESSID=") for cookie in said)
    for cookie in said:
        attributes = {word.strip().lower() for word in cookie.split(";")[1:]}
        assert {"secure", "httponly", "samesite=strict"} <= attributes, cookie


DENIED = [
    "/config/config.php",
    "/config/config_local.php",
    "/config/conf.pl",
    "/config/default_pref",
    "/functions/imap_general.php",
    "/class/mime.class.php",
    "/include/init.php",
    "/plugins/administrator/index.php",
    "/plugins/squirrelspell/sqspell_interface.php",
    "/templates/default/login.tpl",
    "/templates/default/config.php",
    "/doc/ChangeLog",
    "/README",
    "/.posthaus",
    "/src/configtest.php",
    "/src/mailto.php",
    "/src/compose.php?mailtodata=x",
    "/src/login.php/more",
    "/src/../config/conf.pl",
    "/%2e%2e/etc/passwd",
    "/images/",
    "/nothing-here",
    "/server-status",
]


def test_only_what_a_browser_needs_is_served(mail_host: MailHost):
    webmail = client(mail_host)
    found = {path: webmail.session.get(webmail.base + path, timeout=30).status_code for path in DENIED}
    assert {path: status for path, status in found.items() if status not in (400, 403, 404)} == {}
    for path in ("/src/login.php", "/images/sm_logo.png", "/css/print.css", "/templates/default/css/default.css"):
        assert webmail.session.get(webmail.base + path, timeout=30).status_code == 200, path


def test_no_list_of_attachments_reads_a_file_of_the_host(mail_host: MailHost):
    """CVE-2020-14933: what the compose form carries would be unserialized as it comes."""
    subject, secret = new_subject(), "hide_squirrelmail_header"
    assert secret in mail_host.run("cat /etc/squirrelmail/config_local.php").stdout
    tito = client(mail_host, TITO)
    form = tito.submit(tito.get("/src/compose.php").form_with("attach"), "attach", (NOTE,)).form_with("send")
    uploaded = re.search(r'"att_local_name";s:32:"(\w{32})"', unquote_plus(form.fields["attachments"]))
    assert uploaded
    inner = part("../../../../etc/squirrelmail/config_local.php", "a:0:{}")
    forged = "a:1:{i:0;" + part(uploaded[1], "a:1:{i:0;" + inner + "}") + "}"
    tito.submit(form, "send", (), send_to=TITO, subject=subject, body="x", attachments=forged)
    assert soon(lambda: subject in tito.messages())
    assert secret not in by_imap(mail_host, TITO, subject).as_string()
    texts = [
        item.get_payload(decode=True) for item in by_imap(mail_host, TITO, subject).walk() if not item.is_multipart()
    ]
    assert not any(secret.encode() in text for text in texts)


def part(file: str, entities: str) -> str:
    """A letter's part as PHP serializes it, with a file to read and parts below it."""
    mime = 'O:13:"MessageHeader":3:{s:5:"type0";s:4:"text";s:5:"type1";s:5:"plain";s:8:"encoding";s:4:"7bit";}'
    fields = f's:14:"att_local_name";s:{len(file)}:"{file}";s:8:"entities";{entities}s:11:"mime_header";{mime}'
    return f'O:7:"Message":3:{{{fields}}}'


def test_http_leads_to_https_and_shows_nothing_of_the_distribution(mail_host: MailHost):
    for name in (HOSTNAME, "other.example.org", mail_host.address):
        answer = requests.get(f"http://{mail_host.address}/", headers={"Host": name}, allow_redirects=False, timeout=30)
        assert (answer.status_code, answer.headers["Location"]) == (301, f"https://{HOSTNAME}/")
        assert "Default Page" not in answer.text
    assert "AH00558" not in mail_host.run("apache2ctl configtest 2>&1").stdout
    assert client(mail_host).get("/").form_with("login_username")


def test_the_page_also_answers_as_localhost_with_a_forwarded_port(mail_host: MailHost):
    """As on a trial host: the browser says localhost:8443, and the engine forwards to 443."""
    webmail = WebmailClient("localhost", mail_host.address, ca=False, asked_port=8443)
    page = webmail.log_in(TITO, mail_host.password(TITO))
    assert page.url == "https://localhost:8443/src/webmail.php"
    assert set(page.frames) == {"left", "right"}
    assert "Strict-Transport-Security" not in page.headers
    assert client(mail_host).get("/").headers["Strict-Transport-Security"] == "max-age=31536000"


def test_pages_have_sane_headers(mail_host: MailHost):
    headers = client(mail_host, TITO).get("/src/right_main.php").headers
    assert headers["Content-Type"].lower() == "text/html; charset=utf-8"
    assert headers["X-Frame-Options"] == "SAMEORIGIN"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "frame-ancestors 'self'" in headers["Content-Security-Policy"]
    assert headers["Server"] == "Apache"
    assert "X-Powered-By" not in headers
    assert "no-store" in headers["Cache-Control"]


def test_every_page_is_whole_and_php_has_nothing_to_complain_about(mail_host: MailHost):
    before = php_log(mail_host)
    tito, subject = client(mail_host, TITO), new_subject()
    tito.write(TITO, subject, BODY, [NOTE])
    assert soon(lambda: subject in tito.messages())
    letter = tito.read(subject)
    tito.submit(letter.form_with("smaction_reply"), "smaction_reply")
    tito.submit(letter.form_with("smaction_forward"), "smaction_forward")
    tito.get(letter.link("view_header"))
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


def test_a_large_file_goes_out_and_one_too_large_leaves_the_letter_as_it_is(mail_host: MailHost):
    """message_size is 50 MiB by default: 37 MiB of file make 50 MiB of letter."""
    subject = new_subject()
    large, larger = ("large.bin", b"\xa5" * (36 << 20)), ("larger.bin", b"\xa5" * (40 << 20))
    tito = client(mail_host, TITO)
    words = {"send_to": IQBAL, "subject": subject, "body": "My whole draft."}
    form = tito.get("/src/compose.php").form_with("attach")
    page = tito.submit(form, "attach", (larger,), **words)
    assert page.form_with("send").fields["body"].strip() == "My whole draft."
    page = tito.submit(page.form_with("attach"), "attach", (large,), **words)
    assert "Your mail has been sent" in tito.submit(page.form_with("send"), "send", (), **words).text
    iqbal = client(mail_host, IQBAL)
    assert soon(lambda: subject in iqbal.messages(), seconds=60)
    assert iqbal.download(iqbal.read(subject), "large.bin") == large[1]
    mail_host.run(
        f"doveadm expunge -u {IQBAL} mailbox INBOX larger 10M; doveadm expunge -u {TITO} mailbox Sent larger 10M"
    )


def test_another_port_and_a_title_full_of_quotes(own_mail_host: MailHost):
    title = 'Pandry\'s \\ $x <b>Mail</b> "Büro" 100%'
    run = own_mail_host.converge(example(webmail={"hostname": HOSTNAME, "port": 8443, "title": title}))
    assert run.rc == 0, run.output
    tito = client(own_mail_host, TITO, port=8443)
    assert tito.seen[-1].url == f"https://{HOSTNAME}:8443/src/webmail.php"
    login = tito.get("/src/login.php")
    assert title in login.text
    assert "<b>Mail</b>" not in login.html
    answer = requests.get(f"http://{own_mail_host.address}/", allow_redirects=False, timeout=30)
    assert answer.headers["Location"] == f"https://{HOSTNAME}:8443/"
    assert not own_mail_host.run("ss -Hltn 'sport = :443'").stdout


def test_an_edited_tree_and_lost_modes_are_repaired_and_preferences_kept(own_mail_host: MailHost):
    client(own_mail_host, TITO)
    preferences = own_mail_host.run("sha256sum /var/lib/squirrelmail/data/*").stdout
    own_mail_host.run("echo '<?php phpinfo();' >/usr/share/squirrelmail/src/shell.php")
    own_mail_host.run("chown root:root /var/lib/squirrelmail/data; chmod 0755 /var/lib/squirrelmail/data")
    run = own_mail_host.converge()
    assert run.rc == 0, run.output
    own_mail_host.run("test ! -e /usr/share/squirrelmail/src/shell.php")
    assert own_mail_host.run("stat -c '%U:%G %a' /var/lib/squirrelmail/data").stdout.strip() == "root:www-data 730"
    assert own_mail_host.run("sha256sum /var/lib/squirrelmail/data/*").stdout == preferences
    client(own_mail_host, TITO)


def test_attachments_of_letters_never_sent_go_after_a_day(mail_host: MailHost):
    attach = "/var/spool/squirrelmail/attach"
    mail_host.run(f"install -o www-data -g www-data /dev/null {attach}/fresh; rm -f {attach}/*; touch {attach}/fresh")
    cleaning = mail_host.run("systemctl is-active systemd-tmpfiles-clean.timer").stdout.strip()
    mail_host.run("systemd-tmpfiles --clean /etc/tmpfiles.d/squirrelmail.conf")
    assert cleaning == "active"
    mail_host.run(f"test -e {attach}/fresh && rm {attach}/fresh")
    assert "1d" in mail_host.run("grep attach /etc/tmpfiles.d/squirrelmail.conf").stdout


def test_the_other_line_is_one_word_away_and_the_way_back_too(own_mail_host: MailHost):
    run = own_mail_host.converge(example(webmail={"hostname": HOSTNAME, "line": "stable"}))
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
