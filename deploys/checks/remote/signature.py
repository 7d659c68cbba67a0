"""DKIM signatures (RFC 6376, RFC 8463) against the keys on this host: no DNS, no program of rspamd's."""

from __future__ import annotations

import base64
import hashlib
import pathlib
import re
import subprocess
import tempfile

PKCS8_ED25519 = bytes.fromhex("302e020100300506032b657004220420")  # RFC 8410, section 7: the seed comes after it
Headers = list[tuple[bytes, bytes]]


def signers(message: bytes, keys: str) -> list[str]:
    """DOMAIN.SELECTOR of each good signature on ``message``; a signature that is not good raises ValueError.

    ``keys``: the directory with the private keys, DOMAIN.SELECTOR.key.
    """
    headers, body = parts(message)
    return [signer(number, headers, body, keys) for number, one in enumerate(headers) if one[0] == b"dkim-signature"]


def parts(message: bytes) -> tuple[Headers, bytes]:
    """The headers, names in lower case, and the body."""
    head, _, body = message.partition(b"\r\n\r\n")
    lines = re.split(rb"\r\n(?![ \t])", head)
    return [(name.strip().lower(), value) for name, _, value in (line.partition(b":") for line in lines)], body


def signer(number: int, headers: Headers, body: bytes, keys: str) -> str:
    """DOMAIN.SELECTOR of the signature in this header."""
    value = headers[number][1]
    tags = {k.strip(): re.sub(rb"\s", b"", v) for k, _, v in (tag.partition(b"=") for tag in value.split(b";"))}
    name = f"{tags[b'd'].decode()}.{tags[b's'].decode()}"
    if tags.get(b"c") != b"relaxed/relaxed":
        raise ValueError(f"{name}: not relaxed/relaxed, which this cannot read")
    if hashlib.sha256(relaxed(body)).digest() != base64.b64decode(tags[b"bh"]):
        raise ValueError(f"{name}: the body is not the one that was signed")
    empty = re.sub(rb"(^|;)(\s*b\s*=)[^;]*", rb"\1\2", value)
    data = chosen(headers[:number] + headers[number + 1 :], tags[b"h"]) + unfolded(b"dkim-signature", empty)
    if not good(data, base64.b64decode(tags[b"b"]), tags[b"a"], pathlib.Path(keys, f"{name}.key")):
        raise ValueError(f"{name}: not by the key on this host")
    return name


def relaxed(body: bytes) -> bytes:
    """The body as it is hashed (RFC 6376, section 3.4.4)."""
    lines = [re.sub(rb"[ \t]+", b" ", line).rstrip(b" ") for line in body.split(b"\r\n")]
    text = b"\r\n".join(lines).rstrip(b"\r\n")
    return text + b"\r\n" if text else b""


def chosen(headers: Headers, names: bytes) -> bytes:
    """The headers that the signature names, those of one name from the last to the first (section 5.4.2)."""
    left = list(reversed(headers))
    text = b""
    for name in names.lower().split(b":"):
        found = next((one for one in left if one[0] == name), None)
        if found:
            left.remove(found)
            text += unfolded(*found) + b"\r\n"
    return text


def unfolded(name: bytes, value: bytes) -> bytes:
    """One header as it is hashed (section 3.4.2)."""
    return name + b":" + re.sub(rb"[ \t]+", b" ", value.replace(b"\r\n", b"")).strip(b" ")


def good(data: bytes, signature: bytes, algorithm: bytes, key: pathlib.Path) -> bool:
    """Whether the key made this signature, as OpenSSL has it; the key goes to it by stdin."""
    with tempfile.TemporaryDirectory() as place:
        what, sig = pathlib.Path(place, "data"), pathlib.Path(place, "signature")
        sig.write_bytes(signature)
        if algorithm == b"ed25519-sha256":
            what.write_bytes(hashlib.sha256(data).digest())
            secret = PKCS8_ED25519 + base64.b64decode(key.read_bytes())[:32]
            tool = ["openssl", "pkeyutl", "-verify", "-rawin", "-inkey", "/dev/stdin", "-keyform", "DER", "-sigfile"]
            command = [*tool, str(sig), "-in", str(what)]
        else:
            what.write_bytes(data)
            secret = key.read_bytes()
            command = ["openssl", "dgst", "-sha256", "-prverify", "/dev/stdin", "-signature", str(sig), str(what)]
        return subprocess.run(command, input=secret, capture_output=True, check=False).returncode == 0
