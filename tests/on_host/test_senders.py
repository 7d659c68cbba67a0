"""Senders that mail.yaml names: refused always, or never Junk, and only if it is really they."""

from __future__ import annotations

import ipaddress
import json
import shlex
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from email.message import EmailMessage
from email.policy import SMTP

import dkim
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from deploys.components.rspamd.options import MILTER_SOCKET
from deploys.records.senders import dkim_text
from lab.mailhost import MailHost
from tests.on_host.post import arrived, compose, deliver
from tests.on_host.settings import TITO, example

pytestmark = pytest.mark.host

# Both read resolv.conf when they start. The milters are asked before anybody else is.
READ_ANEW = f"""systemctl restart rspamd postfix
for try in $(seq 300); do ss -Hltn "sport = :25" | grep -q . && break; sleep 0.2; done
for try in $(seq 300); do ss -Hlx src {MILTER_SOCKET} | grep -q . && break; sleep 0.2; done"""
LOOKS_LIKE_SPAM = {"HFILTER_HOSTNAME_UNKNOWN": 30}  # what every message from this machine is


# A name server that knows some TXT records, and an address for each of their names; runs on the host.
NAMES = """
import json, socket, struct, sys
texts, listens = json.loads(sys.argv[1]), socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
listens.bind(("127.0.0.1", 53))
while True:
    query, client = listens.recvfrom(4096)
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1 : at + 1 + query[at]].decode().lower())
        at += query[at] + 1
    text, (kind,) = texts.get(".".join(labels)), struct.unpack(">H", query[at + 1 : at + 3])
    data = bytes([192, 0, 2, 9]) if kind == 1 else b""
    if kind == 16:
        parts = [(text or "")[n : n + 200].encode() for n in range(0, len(text or ""), 200)]
        data = b"".join(bytes([len(part)]) + part for part in parts)
    if text is None:
        data = b""
    answer = b"\\xc0\\x0c" + struct.pack(">HHIH", kind, 1, 60, len(data)) + data if data else b""
    head = struct.pack(">HHHHH", 0x8180 if text else 0x8183, 1, bool(answer), 0, 0)
    listens.sendto(query[:2] + head + query[12 : at + 5] + answer, client)
"""


@contextmanager
def knowing(host: MailHost, texts: Mapping[str, str]) -> Iterator[None]:
    """The host asks a name server of its own, which has these TXT records and no others."""
    host.write("/run/names.py", NAMES)
    host.run(f"systemd-run --quiet --unit lab-names python3 /run/names.py {shlex.quote(json.dumps(texts))}")
    host.run("cp /etc/resolv.conf /run/resolv.conf; echo nameserver 127.0.0.1 >/etc/resolv.conf")
    host.run(READ_ANEW)
    try:
        yield
    finally:
        host.run("cat /run/resolv.conf >/etc/resolv.conf; systemctl stop lab-names")
        host.run(READ_ANEW)


@pytest.fixture
def seen_from(mail_host: MailHost) -> str:
    """This machine's address, as the host sees it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as toward:
        toward.connect((mail_host.address, 25))
        return str(toward.getsockname()[0])


def points(message: object) -> str:
    return str(message["X-Spamd-Result"] or "")  # type: ignore[index]


def signed(message: EmailMessage, domain: str, key: rsa.RSAPrivateKey) -> EmailMessage:
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    raw = message.as_bytes(policy=SMTP)
    header = dkim.sign(raw, b"sel", domain.encode(), pem, include_headers=[b"from", b"subject"]).decode()
    message.policy = message.policy.clone(max_line_length=None)  # a signature is not broken into encoded words
    message["DKIM-Signature"] = header.partition(":")[2].strip().replace("\r\n", "")
    return message


def test_who_is_blocked_is_told_so_and_nobody_else_is(mail_host: MailHost, seen_from: str):
    run = mail_host.converge(example(filter={"blocklists": False, "block": ["pest@outside.example", "spam.example"]}))
    assert run.rc == 0, run.output
    assert deliver(mail_host, TITO, message=compose(TITO, sender="Pest <PEST+x@outside.example>")) == 554
    assert deliver(mail_host, TITO, message=compose(TITO, sender="a@shop.spam.example")) == 554
    for good in ("somebody@outside.example", "a@notspam.example", "spam.example@outside.example"):
        assert deliver(mail_host, TITO, message=compose(TITO, sender=good)) == 250
    assert mail_host.converge().changes == 0
    network = str(ipaddress.ip_network(f"{seen_from}/24", strict=False))
    run = mail_host.converge(example(filter={"blocklists": False, "block": [network]}))
    assert run.rc == 0, run.output
    assert deliver(mail_host, TITO) == 554


def test_who_is_allowed_is_never_junk_and_nobody_borrows_the_name(mail_host: MailHost, seen_from: str):
    key = rsa.generate_private_key(65537, 2048)
    record = dkim_text(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
    texts = {
        "partner.example": f"v=spf1 ip4:{seen_from} -all",
        "sel._domainkey.partner.example": record,
        "sel._domainkey.thief.example": record,
        "thief.example": f"v=spf1 ip4:{seen_from} -all",
        "pest.example": f"v=spf1 ip4:{seen_from} -all",
    }
    settings = {"blocklists": False, "scores": LOOKS_LIKE_SPAM, "allow": ["partner.example"], "block": ["pest.example"]}
    run = mail_host.converge(example(filter=settings))
    assert run.rc == 0, run.output
    with knowing(mail_host, texts):
        _theirs_arrive(mail_host, key)
        _forged_ones_are_junk(mail_host, key)
        one_by_envelope = compose(TITO, sender="ann@partner.example")
        assert deliver(mail_host, TITO, sender="b@pest.example", message=one_by_envelope) == 554


def _theirs_arrive(host: MailHost, key: rsa.RSAPrivateKey) -> None:
    by_spf = compose(TITO, sender="Ann <ann@partner.example>")
    by_dkim = signed(compose(TITO, sender="ann@news.partner.example"), "partner.example", key)
    for message, envelope in ((by_spf, "bounces@partner.example"), (by_dkim, "")):
        assert deliver(host, TITO, sender=envelope, message=message) == 250
        found = arrived(host, TITO, host.password(TITO), message["Subject"], seconds=60)
        assert found is not None, "it is in the INBOX"
        assert "POSTHAUS_ALLOWED(-3" in points(found), points(found)


def _forged_ones_are_junk(host: MailHost, key: rsa.RSAPrivateKey) -> None:
    forged = compose(TITO, sender="ann@partner.example")
    by_another = signed(compose(TITO, sender="ann@partner.example"), "thief.example", key)
    unknown = compose(TITO)
    for message, envelope in ((forged, ""), (by_another, "ann@thief.example"), (unknown, "")):
        assert deliver(host, TITO, sender=envelope, message=message) == 250
        found = arrived(host, TITO, host.password(TITO), message["Subject"], "Junk", seconds=60)
        assert found is not None, "it is in Junk"
        assert "POSTHAUS_ALLOWED" not in points(found)
    assert "R_DKIM_ALLOW" in points(_last(host, by_another))
    assert "R_SPF_ALLOW" in points(_last(host, by_another))


def _last(host: MailHost, message: EmailMessage) -> object:
    return arrived(host, TITO, host.password(TITO), message["Subject"], "Junk")
