"""One message made to cost much is refused at once, and nobody else waits for it."""

from __future__ import annotations

import shlex
import smtplib
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from deploys.components.rspamd.units import mime_running
from lab.mailhost import MailHost
from tests.on_host.post import arrived, compose, deliver, trusting
from tests.on_host.settings import IQBAL, TITO

pytestmark = pytest.mark.host

HEAD = b"From: somebody@outside.example\r\nTo: tito@example.com\r\nMIME-Version: 1.0\r\n"
PARTS = HEAD + b"Content-Type: multipart/mixed; boundary=x\r\n\r\n" + b"--x\r\n\r\n\r\n" * 300_000 + b"--x--\r\n"
MOST = b"Content-Type: multipart/mixed; boundary=x\r\n\r\n" + b"--x\r\n\r\n\r\n" * 1900 + b"--x--\r\n"
# another process than {} answers
AGAIN = """until [ "$(systemctl show -P MainPID posthaus-mime.service)" != {} ] && RUNS; do sleep 0.2; done""".replace(
    "RUNS", f"({mime_running()}) 2>/dev/null"
)
MEMORY = "ps -o rss= -C rspamd"  # KiB, a line for each process


def nested(levels: int) -> bytes:
    """Multiparts in multiparts."""
    opened = [b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (one, one) for one in range(levels)]
    return HEAD + b"".join(opened) + b"\r\nhello\r\n"


def answer(host: MailHost, message: bytes, login: str = "") -> tuple[int, str]:
    """What the host says to this message, of a stranger or of ``login``."""
    with smtplib.SMTP(host.address, 587 if login else 25, local_hostname="mx.outside.example", timeout=60) as client:
        if login:
            client.starttls(context=trusting(host))
            client.login(login, host.password(login))
        try:
            client.sendmail(login, [TITO], message)
        except smtplib.SMTPDataError as refused:
            return refused.smtp_code, refused.smtp_error.decode()
    return 250, ""


def test_a_message_of_300000_parts_is_refused_and_delays_nobody(mail_host: MailHost):
    with ThreadPoolExecutor(4) as pool:
        bombs = [pool.submit(answer, mail_host, PARTS) for _ in range(4)]
        for _ in range(3):
            began = time.monotonic()
            assert deliver(mail_host, IQBAL) == 250
            assert time.monotonic() - began < 5
        said = {bomb.result() for bomb in bombs}
    assert said == {(554, "5.6.0 This message has more than 2000 parts")}
    most = max(int(size) for size in mail_host.run(MEMORY).stdout.split())
    assert most < 512 * 1024, f"{most} KiB"


def test_so_is_one_nested_too_deep_whoever_sends_it_and_one_within_the_limits_arrives(mail_host: MailHost):
    for levels in (31, 40, 100):
        assert answer(mail_host, nested(levels)) == (554, "5.6.0 This message is nested more than 30 deep")
    ours = nested(31).replace(b"somebody@outside.example", IQBAL.encode())
    assert answer(mail_host, ours, IQBAL) == (554, "5.6.0 This message is nested more than 30 deep")
    assert answer(mail_host, nested(30))[0] == 250
    subject = compose(TITO)["Subject"]
    began = time.monotonic()
    assert answer(mail_host, b"Subject: " + subject.encode() + b"\r\n" + HEAD + MOST)[0] == 250
    assert time.monotonic() - began < 5
    folders = [arrived(mail_host, TITO, mail_host.password(TITO), subject, folder, 3) for folder in ("INBOX", "Junk")]
    assert any(folders)


def test_mail_waits_while_what_counts_the_parts_is_down_and_it_comes_back_by_itself(mail_host: MailHost):
    mail_host.run("systemctl stop posthaus-mime.service")
    try:
        assert deliver(mail_host, IQBAL) == 451
    finally:
        mail_host.run("systemctl start posthaus-mime.service")
    before = mail_host.run("systemctl show -P MainPID posthaus-mime.service").stdout.strip()
    mail_host.run(f"kill -9 {before}")
    mail_host.run(f"timeout 60 sh -c {shlex.quote(AGAIN.format(before))}")
    assert deliver(mail_host, IQBAL) == 250
