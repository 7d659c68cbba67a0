"""Verify's own reading of DKIM, against messages that dkimpy signed."""

from __future__ import annotations

import base64
from pathlib import Path

import dkim
import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from deploys.checks.remote.signature import signers

MESSAGE = b"""From: Tito <tito@example.com>\r
To: iqbal@example.com\r
Subject: a  long\r
\t subject \r
X-Two: one\r
X-Two: two\r
\r
Two  spaces, and  \r
..dots\r
\r
\r
"""
HEADERS = [b"from", b"to", b"subject", b"x-two", b"x-two", b"x-two"]  # one more than there are: none may be added


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    """A directory with both kinds of keys, as the host keeps them."""
    secret = rsa.generate_private_key(65537, 2048)
    pem = secret.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    (tmp_path / "example.com.mail.key").write_bytes(pem)
    seed = ed25519.Ed25519PrivateKey.generate().private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
    (tmp_path / "example.com.mail-ed25519.key").write_bytes(base64.b64encode(seed) + b"\n")
    return tmp_path


def signed(keys: Path, selector: str, algorithm: bytes) -> bytes:
    key = (keys / f"example.com.{selector}.key").read_bytes()
    signer = dkim.DKIM(MESSAGE, signature_algorithm=algorithm)
    header = signer.sign(
        selector.encode(), b"example.com", key, canonicalize=(b"relaxed", b"relaxed"), include_headers=HEADERS
    )
    return bytes(header) + MESSAGE


@pytest.mark.parametrize(("selector", "algorithm"), [("mail", b"rsa-sha256"), ("mail-ed25519", b"ed25519-sha256")])
def test_a_good_signature_is_good_and_a_changed_message_is_not(keys, selector, algorithm):
    message = signed(keys, selector, algorithm)
    assert signers(message, str(keys)) == [f"example.com.{selector}"]
    with pytest.raises(ValueError, match="body"):
        signers(message.replace(b"dots", b"dotz"), str(keys))
    with pytest.raises(ValueError, match="not by the key"):
        signers(message.replace(b"To: iqbal", b"To: ana"), str(keys))
    with pytest.raises(ValueError, match="not by the key"):
        signers(message.replace(b"\r\n\r\n", b"\r\nX-Two: three\r\n\r\n", 1), str(keys))


def test_another_key_of_the_same_name_is_not_the_hosts(keys):
    message = signed(keys, "mail", b"rsa-sha256")
    other = rsa.generate_private_key(65537, 2048)
    pem = other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (keys / "example.com.mail.key").write_bytes(pem)
    with pytest.raises(ValueError, match="not by the key"):
        signers(message, str(keys))


def test_a_message_without_a_signature_has_none(keys):
    assert signers(MESSAGE, str(keys)) == []
    assert signers(b"Subject: no body", str(keys)) == []
