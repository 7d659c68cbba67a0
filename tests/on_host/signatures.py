"""Signatures on messages, checked by dkimpy, which knows nothing of rspamd that made them."""

from __future__ import annotations

import base64
from collections.abc import Callable

import dkim
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from deploys.components.rspamd.render import key_path
from deploys.records.senders import dkim_text
from lab.mailhost import MailHost

Dns = Callable[..., bytes | None]


def record(host: MailHost, domain: str, selector: str) -> str:
    """The text to publish for a key that lies on the host."""
    stored = host.read(key_path(domain, selector))
    if selector.endswith("-ed25519"):
        public = Ed25519PrivateKey.from_private_bytes(base64.b64decode(stored)).public_key()
    else:
        public = load_pem_private_key(stored, None).public_key()
    return dkim_text(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def dns_of(host: MailHost) -> Dns:
    """A DNS that has the records of the host's own keys, and no others."""

    def answer(name: bytes, timeout: int = 5) -> bytes | None:
        selector, found, domain = name.decode().rstrip(".").partition("._domainkey.")
        return record(host, domain, selector).encode() if found else None

    return answer


def valid(message: bytes, dns: Dns) -> set[tuple[str, str]]:
    """(domain, selector) of every signature on the message. Raises where one of them is not good."""
    checked = dkim.DKIM(message)
    count = sum(name.lower() == b"dkim-signature" for name, _ in checked.headers)
    found = set()
    for number in range(count):
        one = dkim.DKIM(message)
        assert one.verify(idx=number, dnsfunc=dns), f"signature {number} is not good"
        found.add((one.domain.decode(), one.selector.decode()))
    return found
