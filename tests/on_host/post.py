"""Messages to and from a test host, by the standard library: without a login at port 25, and by submission."""

from __future__ import annotations

import email
import imaplib
import smtplib
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage, Message
from email.utils import formatdate, make_msgid
from uuid import uuid4

from lab.mailhost import MailHost


def trusting(host: MailHost) -> ssl.SSLContext:
    """TLS that believes the host's own CA, and looks at no name: we connect by address."""
    context = ssl.create_default_context(cafile=str(host.ca))
    context.check_hostname = False
    return context


def compose(recipient: str, size: int = 0, sender: str = "somebody@outside.example", **headers: str) -> EmailMessage:
    """A message with a subject that no other has, and about ``size`` bytes; ``sender`` is what its From says."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, recipient, uuid4().hex
    message["Date"], message["Message-ID"] = formatdate(), make_msgid(domain="outside.example")
    for header, value in headers.items():
        message[header.replace("_", "-")] = value
    message.set_content("A line of the message.\n" * (1 + size // 22))
    return message


def reply(send: object, *arguments: object, **more: object) -> int:
    """The SMTP code of what ``send`` does: 250, or of the refusal."""
    try:
        send(*arguments, **more)  # type: ignore[operator]
    except smtplib.SMTPRecipientsRefused as refused:
        return next(iter(refused.recipients.values()))[0]
    except smtplib.SMTPResponseException as refused:
        return refused.smtp_code
    return 250


def deliver(host: MailHost, recipient: str, sender: str = "", message: EmailMessage | None = None) -> int:
    """What port 25 says to a message from this machine, which the host does not trust. No sender needs no DNS."""
    message = message or compose(recipient)
    size = [f"size={len(message.as_bytes()) + 500}"]
    with smtplib.SMTP(host.address, 25, local_hostname="mx.outside.example", timeout=30) as client:
        return reply(client.send_message, message, sender, [recipient], size)


def submit(host: MailHost, login: str, password: str, sender: str, recipient: str, message: EmailMessage) -> int:
    """What port 587 says to a message of ``login``."""
    with smtplib.SMTP(host.address, 587, local_hostname="laptop.at.home", timeout=30) as client:
        client.starttls(context=trusting(host))
        client.login(login, password)
        return reply(client.send_message, message, sender, [recipient])


@contextmanager
def mailbox(host: MailHost, login: str, password: str) -> Iterator[imaplib.IMAP4]:
    """``login``'s mailbox over IMAP."""
    client = imaplib.IMAP4_SSL(host.address, 993, ssl_context=trusting(host), timeout=30)
    try:
        client.login(login, password)
        yield client
    finally:
        client.shutdown()


def arrived(
    host: MailHost, login: str, password: str, subject: str, folder: str = "INBOX", seconds: float = 10
) -> Message | None:
    """The message with this subject, once it is there; None if it does not come in time."""
    ends = time.monotonic() + seconds
    with mailbox(host, login, password) as client:
        while time.monotonic() < ends:
            client.select(folder, readonly=True)
            found = client.search(None, "HEADER", "SUBJECT", f'"{subject}"')[1][0].split()
            if found:
                return email.message_from_bytes(client.fetch(found[0], "(RFC822)")[1][0][1])
            time.sleep(0.2)
    return None


def raw(host: MailHost, *commands: bytes) -> list[bytes]:
    """The answers to these bytes at port 25, one line each, the greeting first."""
    with socket.create_connection((host.address, 25), 30) as connection, connection.makefile("rb") as answers:
        said = [answers.readline()]
        for command in commands:
            connection.sendall(command)
            said.append(answers.readline())
    return said
