"""A corpus of odd messages: what arrives is stored as it came, what leaves verifies wherever it arrives."""

from __future__ import annotations

import email
import email.policy
import re
import smtplib
import socket
from collections.abc import Iterator
from functools import cache
from uuid import uuid4

import pytest

from lab.mailhost import MailHost
from lab.waiting import wait_until
from tests.on_host.corpus import corpus
from tests.on_host.post import mailbox, trusting
from tests.on_host.settings import TITO
from tests.on_host.signatures import Dns, dns_of, valid
from tests.on_host.sink import Sink, listening

pytestmark = pytest.mark.host

HONEST_8BIT = ("8bit", "8bit-in-parts", "binary", "windows-1250", "long-line-8bit", "calendar", "html-8bit")
UNKNOWN_SENDER = "somebody@outside.example"
BOTH = {("example.com", "mail"), ("example.com", "mail-ed25519")}
# Postfix takes it away from whatever passes (message_drop_headers): nobody shall read who got a blind copy.
TAKEN_AWAY = re.compile(rb"^Bcc:.*\r\n", re.MULTILINE)


def hand_in(client: smtplib.SMTP, sender: str, recipients: list[str], message: bytes) -> int:
    """The answer to the message, sent as it is: smtplib would fix it."""
    body = "BODY=8BITMIME" if client.has_extn("8bitmime") and not message.isascii() else ""
    assert client.docmd("MAIL", f"FROM:<{sender}> {body}")[0] == 250
    assert {client.docmd("RCPT", f"TO:<{recipient}>")[0] for recipient in recipients} == {250}
    assert client.docmd("DATA")[0] == 354
    dotted = re.sub(rb"^\.", b"..", message, flags=re.MULTILINE)
    client.send(dotted + b".\r\n")
    return client.getreply()[0]


def stored(host: MailHost, run: str) -> dict[str, bytes]:
    """What of the corpus tito has, by name, in whichever folder."""
    found = {}
    with mailbox(host, TITO, host.password(TITO)) as reader:
        for folder in ("INBOX", "Junk"):
            reader.select(folder, readonly=True)
            numbers = reader.search(None, "HEADER", "X-Corpus", run)[1][0].split()
            answers = reader.fetch(b",".join(numbers), "(BODY.PEEK[])")[1] if numbers else []
            found |= {named(one[1], run): one[1] for one in answers if isinstance(one, tuple)}
    return found


def named(message: bytes, run: str) -> str:
    """Which one of the corpus it is."""
    match = re.search(rb"^X-Corpus: " + run.encode() + rb"/(\S+)\r\n", message, re.MULTILINE)
    assert match is not None, message[:500]
    return match[1].decode()


def came_as(was: bytes, found: bytes) -> bool:
    """Whether ``found`` is ``was`` with nothing but further headers before and between its own."""
    head, body = TAKEN_AWAY.sub(b"", was).split(b"\r\n\r\n", 1)
    found_head, found_body = found.split(b"\r\n\r\n", 1)
    lines = iter(found_head.split(b"\r\n"))
    return body == found_body and all(line in lines for line in head.split(b"\r\n"))


def test_what_arrives_is_stored_byte_for_byte(mail_host: MailHost):
    run = uuid4().hex
    messages = corpus(UNKNOWN_SENDER, TITO, run)
    assert len(messages) >= 40
    with smtplib.SMTP(mail_host.address, 25, local_hostname="mx.outside.example", timeout=60) as client:
        client.ehlo()
        answers = {name: hand_in(client, "", [TITO], message) for name, message in messages.items()}
    assert set(answers.values()) == {250}, answers
    wait_until(lambda: not mail_host.run("postqueue -j").stdout, 60, "messages stay in the queue")
    found = stored(mail_host, run)
    mail_host.run(f"doveadm expunge -u {TITO} mailbox '*' header X-Corpus {run}")
    assert found.keys() == messages.keys()
    changed = {name: found[name] for name, was in messages.items() if not came_as(was, found[name])}
    assert not changed, changed


def remembering(dns: Dns) -> Dns:
    """The same DNS, asked once for each name."""
    return cache(lambda name, timeout=5: dns(name))


@pytest.fixture
def two_servers(mail_host: MailHost) -> Iterator[tuple[Sink, Sink, list[str]]]:
    """Somebody's two servers, one of which does not offer 8BITMIME, and who reads there."""
    gateway = mail_host.run("ip route show default | cut -d' ' -f3").stdout.strip()
    people = [f"old@[{gateway}]", f"new@[{gateway}]"]
    with socket.create_server((gateway, 0)) as one, socket.create_server((gateway, 0)) as other:
        ports = one.getsockname()[1], other.getsockname()[1]
    ways = ", ".join(f"{{{who}=smtp:[{gateway}]:{port}}}" for who, port in zip(people, ports, strict=True))
    mail_host.run(f"cp -p /etc/postfix/main.cf /root; postconf -e 'transport_maps=inline:{{ {ways} }}'")
    mail_host.run("systemctl reload postfix")
    try:
        with listening(gateway, ports[0], without="8BITMIME") as old, listening(gateway, ports[1]) as new:
            yield old, new, people
    finally:
        mail_host.run("mv /root/main.cf /etc/postfix; systemctl reload postfix")


def text_of(message: bytes) -> str:
    """The first text of the message, as a mail program shows it."""
    parts = email.message_from_bytes(message, policy=email.policy.default).walk()
    return str(next(part for part in parts if part.get_content_maintype() == "text").get_content())


def test_what_leaves_verifies_wherever_it_arrives(mail_host: MailHost, two_servers: tuple[Sink, Sink, list[str]]):
    *servers, people = two_servers
    run = uuid4().hex
    messages = corpus(TITO, people[0], run)
    with smtplib.SMTP(mail_host.address, 587, local_hostname="laptop.at.home", timeout=60) as client:
        client.starttls(context=trusting(mail_host))
        client.login(TITO, mail_host.password(TITO))
        answers = {name: hand_in(client, TITO, people, message) for name, message in messages.items()}
    assert set(answers.values()) == {250}, answers
    wait_until(lambda: all(len(one.messages) >= len(messages) for one in servers), 90, "not all messages left")
    dns = remembering(dns_of(mail_host))
    for server in servers:
        found = {named(message, run): message for _, _, message in server.messages}
        assert found.keys() == messages.keys()
        assert {name: valid(message, dns) for name, message in found.items()} == dict.fromkeys(messages, BOTH)
        assert b"secret@" not in found["bcc"]
        for name in HONEST_8BIT:
            assert found[name].isascii(), "7-bit text gets through everywhere"
            assert text_of(found[name]) == text_of(messages[name])
