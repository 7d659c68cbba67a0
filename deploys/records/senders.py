"""The records by which others believe that a message is ours: SPF, DKIM, DMARC."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from urllib.parse import quote

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from deploys.records.context import DomainContext
from deploys.records.record import Record, record, txt


def spf(context: DomainContext) -> tuple[Record, ...]:
    """SPF (RFC 7208): the one host by its name, and those who also send for the domain."""
    settings = context.settings.spf
    includes = [f"include:{name}" for name in settings.include]
    text = " ".join(["v=spf1", f"a:{context.hostname}", *includes, settings.all])
    return record(context.domain, "TXT", context.ttl, [txt(text)], "SPF: who may send for the domain")


def dkim(context: DomainContext) -> tuple[Record, ...]:
    """DKIM's public keys (RFC 6376, RFC 8463), of the declared selectors that the host has keys for."""
    why = "DKIM: the key that messages are signed with"
    return published(context.domain, context.settings.dkim.selectors, context.dkim, context.ttl, why)


def published(name: str, selectors: Iterable[str], keys: Mapping[str, bytes], ttl: int, why: str) -> tuple[Record, ...]:
    """The records of those ``selectors`` of ``name`` that have a key."""
    have = [selector for selector in selectors if selector in keys]
    values = {f"{selector}._domainkey.{name}": [txt(dkim_text(keys[selector]))] for selector in have}
    return tuple(one for where, value in values.items() for one in record(where, "TXT", ttl, value, why))


def dmarc(context: DomainContext) -> tuple[Record, ...]:
    """DMARC (RFC 7489): what to do with messages that fail, and whom to tell."""
    name = f"_dmarc.{context.domain}"
    return record(name, "TXT", context.ttl, [txt(dmarc_text(context))], "DMARC: what becomes of forged messages")


def reports_accepted(context: DomainContext) -> tuple[Record, ...]:
    """The domain's consent to read other domains' DMARC reports, or they are not sent (RFC 7489, section 7.1)."""
    return tuple(
        Record(
            f"{other}._report._dmarc.{context.domain}.",
            "TXT",
            context.ttl,
            (txt("v=DMARC1"),),
            f"DMARC: reports on {other} may come here",
        )
        for other in context.reports_for
    )


def dkim_text(der: bytes) -> str:
    """The record for one public key (DER, SubjectPublicKeyInfo): RSA as it is, Ed25519 as its bare 32 bytes.

    Raises ValueError for another kind of key, and for RSA below 1024 bits, which Gmail and Yahoo refuse.
    """
    key = load_der_public_key(der)
    if isinstance(key, Ed25519PublicKey):
        return f"v=DKIM1; k=ed25519; p={_base64(key.public_bytes(Encoding.Raw, PublicFormat.Raw))}"
    if not isinstance(key, RSAPublicKey) or key.key_size < 1024:
        raise ValueError("a DKIM key is RSA of at least 1024 bits (2048 is right), or Ed25519")
    return f"v=DKIM1; k=rsa; p={_base64(der)}"


def dmarc_text(context: DomainContext) -> str:
    """DMARC's line for the domain; the host's own name uses the same."""
    settings = context.settings.dmarc
    readers = (f"postmaster@{context.domain}",) if settings.rua is None else settings.rua
    return "; ".join(["v=DMARC1", f"p={settings.policy}", *([f"rua={mailto(readers)}"] if readers else [])])


def mailto(addresses: Iterable[str]) -> str:
    """``mailto:`` URIs with commas between; ``,`` ``!`` and ``;`` would end one (RFC 7489, section 6.2)."""
    return ",".join(f"mailto:{quote(address, safe='@')}" for address in addresses)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
