"""An operator's own key for DKIM."""

from __future__ import annotations

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from pydantic import SecretStr, ValidationInfo

from deploys.values import files, secret

HELP = "make one with `openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048`"
LEAST_BITS = 1024  # Gmail and Yahoo refuse shorter ones
MOST_BITS = 4096  # RFC 8301, 3.2: verifiers need not take longer ones


def private_key(value: object, info: ValidationInfo) -> SecretStr:
    """The RSA key (PKCS #8, PEM) in the file that ``{file: path}`` names. No message holds any of it."""
    if isinstance(value, SecretStr):
        return value
    if not isinstance(value, dict) or set(value) != {"file"} or not isinstance(value["file"], str):
        raise ValueError("a key does not stand here itself; write {file: path}")
    where = secret.path(value["file"], info)
    try:
        content = files.content(where)
    except OSError as error:
        raise ValueError(f"{where} cannot be read ({error.strerror}); name the file with the key") from None
    return SecretStr(usable(content, str(where)))


def usable(content: bytes, where: str) -> str:
    """The RSA key that ``content`` is (PEM), as PKCS #8. ``where``: its name. ValueError: it is none that signs."""
    try:
        key = load_pem_private_key(content, None)
    except TypeError:
        raise ValueError(f"{where} is locked with a passphrase; unlock it with `openssl pkey`") from None
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError(f"{where} holds no private key in PEM form; {HELP}") from None
    if not isinstance(key, RSAPrivateKey) or not LEAST_BITS <= key.key_size <= MOST_BITS:
        raise ValueError(f"{where} is no RSA key of {LEAST_BITS} to {MOST_BITS} bits; {HELP}")
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
