"""The webmail of a test host, as a browser and as other mail programs see its messages."""

from __future__ import annotations

import imaplib
import poplib
import time
from collections.abc import Callable
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from uuid import uuid4

from lab.mailhost import MailHost
from tests.on_host.post import trusting
from tests.webmail import WebmailClient

HOSTNAME = "webmail.example.com"
SUBJECT = "Żółć 漢字 €"
BODY = "Drogi Iqbalu,\n\nŻółć 漢字 €\n.\n..dots at the start\n"
NOTE = ("Übersicht 漢.txt", "Grüße, 漢字\n".encode())


def client(host: MailHost, address: str | None = None, **options: int) -> WebmailClient:
    """A browser at the host's webmail, logged in as ``address``."""
    webmail = WebmailClient(HOSTNAME, host.address, str(host.ca), **options)
    if address:
        page = webmail.log_in(address, host.password(address))
        assert "right" in page.frames, page.text
    return webmail


def dovecot_cpu(host: MailHost) -> float:
    """Milliseconds for which Dovecot's processes have kept the host's processors busy."""
    cpu = "/sys/fs/cgroup/system.slice/dovecot.service/cpu.stat"
    return int(host.run(f"awk '/^usage_usec/ {{ print $2 }}' {cpu}").stdout) / 1000


def new_subject() -> str:
    """A subject that no other test's message has."""
    return f"{SUBJECT} {uuid4().hex[:8]}"


def soon(ask: Callable[[], bool], seconds: int = 20) -> bool:
    """Whether it becomes true in time."""
    ends = time.monotonic() + seconds
    while not ask():
        if time.monotonic() > ends:
            return False
        time.sleep(0.2)
    return True


def by_imap(host: MailHost, address: str, subject: str) -> EmailMessage:
    """The message with that subject, as IMAP gives it."""
    with imaplib.IMAP4_SSL(host.address, ssl_context=trusting(host)) as imap:
        imap.authenticate("PLAIN", lambda _: f"\0{address}\0{host.password(address)}".encode())
        imap.select("INBOX", readonly=True)
        return wanted(
            subject, (imap.fetch(n, "(BODY.PEEK[])")[1][0][1] for n in imap.search(None, "ALL")[1][0].split())
        )


def by_pop3(host: MailHost, address: str, subject: str) -> EmailMessage:
    """The message with that subject, as POP3 gives it."""
    pop = poplib.POP3_SSL(host.address, context=trusting(host))
    try:
        pop.user(address)
        pop.pass_(host.password(address))
        count, _ = pop.stat()
        return wanted(subject, (b"\r\n".join(pop.retr(number)[1]) for number in range(1, count + 1)))
    finally:
        pop.quit()


def wanted(subject: str, msgs) -> EmailMessage:
    parsed = (message_from_bytes(msg.replace(b"\r\n", b"\n"), policy=default) for msg in msgs)
    return next(msg for msg in parsed if msg["Subject"] == subject)
