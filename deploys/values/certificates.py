"""Is a certificate fit to be served? Every reason why not, at once, each with what would be right. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import pairwise

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes, PublicKeyTypes
from cryptography.hazmat.primitives.hashes import MD5, SHA1
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

Chain = Sequence[x509.Certificate]


def problems(certificate_pem: bytes, key_pem: bytes, names: Iterable[str], now: datetime) -> list[str]:
    """What is wrong with a chain (leaf first) and its key for a server that answers to ``names``; empty: nothing.

    ``now`` is a time with zone. No message holds any part of the key.
    """
    chain, about_chain = _read_chain(certificate_pem)
    key, about_key = _read_key(key_pem)
    if not chain:
        return about_chain + about_key
    leaf = _certificate_of(key, chain) or chain[0]
    fit = _key_and_order(chain, key) if key else _order(chain)
    return [*about_key, *fit, *_names(leaf, names), *_times(chain, now), *_strength(chain)]


def root(certificate_pem: bytes) -> str | None:
    """The self-signed CA at the end of a chain, as PEM; None where it is left to the client's own store."""
    last = _read_chain(certificate_pem)[0][-1:]
    if last and _is_ca(last[0]) and _issued(last[0], last[0]):
        return last[0].public_bytes(Encoding.PEM).decode()
    return None


def _read_chain(pem: bytes) -> tuple[Chain, list[str]]:
    try:
        return x509.load_pem_x509_certificates(pem), []
    except ValueError:
        if b"PRIVATE KEY-----" in pem:
            return [], ["tls.certificate holds a private key; write the certificate there and the key at tls.key"]
        return [], ["tls.certificate holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)"]


def _read_key(pem: bytes) -> tuple[PrivateKeyTypes | None, list[str]]:
    try:
        return load_pem_private_key(pem, None), []
    except TypeError:
        return None, [
            "tls.key is locked with a passphrase, and nobody types it when a service starts: "
            "unlock a copy with `openssl pkey -in KEY -out UNLOCKED` and name that"
        ]
    except (ValueError, UnsupportedAlgorithm):
        return None, ["tls.key holds no private key in PEM form (-----BEGIN PRIVATE KEY-----)"]


def _certificate_of(key: PrivateKeyTypes | None, chain: Chain) -> x509.Certificate | None:
    fitting = (one for one in chain if key and _bytes(one.public_key()) == _bytes(key.public_key()))
    return next(fitting, None)


def _key_and_order(chain: Chain, key: PrivateKeyTypes) -> list[str]:
    own = _certificate_of(key, chain)
    if not own:
        return [f"tls.key belongs to another certificate than {_called(chain[0])}; name the key that it was made with"]
    if own != chain[0]:
        return [
            f"tls.certificate begins with {_called(chain[0])}; the server's own certificate, "
            f"{_called(own)}, comes first, then each one's issuer"
        ]
    return _order(chain)


def _order(chain: Chain) -> list[str]:
    for one, following in pairwise(chain):
        if not _issued(one, following):
            return [
                f"tls.certificate is out of order, or one is missing: after {_called(one)} comes its issuer "
                f"{_distinguished(one.issuer)}, not {_called(following)}"
            ]
    last = chain[-1]
    if not _is_ca(last) and not _issued(last, last):
        return [
            f"tls.certificate lacks the issuer of {_called(last)}: append the certificate of "
            f"{_distinguished(last.issuer)} (a fullchain.pem has it), or phones and other servers will not trust it"
        ]
    return []


def _names(leaf: x509.Certificate, names: Iterable[str]) -> list[str]:
    covered = _covered(leaf)
    missing = [name for name in names if not any(_covers(pattern.lower(), name.lower()) for pattern in covered)]
    if not missing:
        return []
    return [
        f"tls.certificate does not cover {', '.join(missing)}: it is for {', '.join(covered) or 'no DNS name'}; "
        "get one whose subjectAltName holds them too"
    ]


def uncovered(certificate_pem: bytes, names: Iterable[str]) -> tuple[str, ...]:
    """Those of ``names`` that the first certificate is not for; all of them where there is none."""
    chain = _read_chain(certificate_pem)[0]
    covered = _covered(chain[0]) if chain else []
    return tuple(name for name in names if not any(_covers(pattern.lower(), name.lower()) for pattern in covered))


def _covered(leaf: x509.Certificate) -> list[str]:
    try:
        found = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return []
    return found.value.get_values_for_type(x509.DNSName)


def _covers(pattern: str, name: str) -> bool:
    """RFC 6125, 6.4.3: the star stands for exactly one label, the first."""
    return pattern == name or (pattern.startswith("*.") and pattern[1:] == name[name.find(".") :])


def _times(chain: Chain, now: datetime) -> list[str]:
    found = []
    for one in chain:
        if one.not_valid_after_utc <= now:
            found.append(f"tls.certificate: {_called(one)} expired on {one.not_valid_after_utc:%Y-%m-%d}; renew it")
        elif one.not_valid_before_utc > now:
            begin = one.not_valid_before_utc
            found.append(
                f"tls.certificate: {_called(one)} is valid only from {begin:%Y-%m-%d %H:%M} UTC; is a clock wrong?"
            )
    return found


def _strength(chain: Chain) -> list[str]:
    """What OpenSSL's security level 2, the default of Debian and Ubuntu, refuses."""
    found = []
    for one in chain:
        key = one.public_key()
        if isinstance(key, rsa.RSAPublicKey) and key.key_size < 2048:
            found.append(
                f"tls.certificate: {_called(one)} has an RSA key of {key.key_size} bits; clients want 2048 or more"
            )
        if isinstance(one.signature_hash_algorithm, SHA1 | MD5) and not _issued(one, one):
            found.append(f"tls.certificate: {_called(one)} is signed with SHA-1 or MD5; clients want SHA-256")
    return found


def _issued(one: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        one.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def _is_ca(one: x509.Certificate) -> bool:
    try:
        return one.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def _bytes(key: PublicKeyTypes) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _called(one: x509.Certificate) -> str:
    return _distinguished(one.subject)


def _distinguished(name: x509.Name) -> str:
    return f"“{name.rfc4514_string() or 'a certificate without a subject'}”"
