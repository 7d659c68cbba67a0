"""What Apache serves of the webmail, by which name, and what it keeps to itself."""

from __future__ import annotations

import re
from urllib.parse import unquote_plus

import pytest
import requests

from lab.mailhost import MailHost
from tests.on_host.browsing import HOSTNAME, NOTE, by_imap, client, new_subject, soon
from tests.on_host.settings import TITO, example
from tests.webmail import WebmailClient

pytestmark = [pytest.mark.host, pytest.mark.webmail]


def test_every_cookie_is_for_https_only_and_out_of_the_reach_of_scripts(mail_host: MailHost):
    webmail, said = client(mail_host), []
    form = webmail.get("/src/login.php").form_with("login_username")
    settings = {**form.fields, "login_username": TITO, "secretkey": mail_host.password(TITO)}
    for method, data in (("GET", {}), ("POST", settings)):
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
    """A message's part as PHP serializes it, with a file to read and parts below it."""
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
    listening = own_mail_host.run("ss -Hltn 'sport = :443'").stdout
    assert listening, "pages for mail programs have no port of their own to choose"
    run = own_mail_host.converge(example(webmail={"hostname": HOSTNAME, "port": 8443}, clients=False))
    assert run.rc == 0, run.output
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


def test_attachments_of_messages_never_sent_go_after_a_day(mail_host: MailHost):
    attach = "/var/spool/squirrelmail/attach"
    mail_host.run(f"install -o www-data -g www-data /dev/null {attach}/fresh; rm -f {attach}/*; touch {attach}/fresh")
    cleaning = mail_host.run("systemctl is-active systemd-tmpfiles-clean.timer").stdout.strip()
    mail_host.run("systemd-tmpfiles --clean /etc/tmpfiles.d/squirrelmail.conf")
    assert cleaning == "active"
    mail_host.run(f"test -e {attach}/fresh && rm {attach}/fresh")
    assert "1d" in mail_host.run("grep attach /etc/tmpfiles.d/squirrelmail.conf").stdout
