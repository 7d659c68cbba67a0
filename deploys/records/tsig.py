"""The key that signs updates of the DNS (RFC 8945), from where the operator keeps it."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Literal, get_args

from pydantic import SecretStr, ValidationInfo

from deploys.config.base import Settings
from deploys.values import files, secret

Algorithm = Literal["hmac-sha256", "hmac-sha384", "hmac-sha512"]
HELP = "write what `tsig-keygen NAME` prints, or one line hmac-sha256:NAME:SECRET"


class TsigKey(Settings):
    """``secret`` in base64, as name servers write it."""

    name: str
    algorithm: Algorithm
    secret: SecretStr


def resolve(value: object, info: ValidationInfo) -> object:
    """The key that ``{file: path}`` or ``{env: NAME}`` names. No message holds any of its text."""
    if not isinstance(value, dict) or set(value) & {"name", "algorithm", "secret"}:
        return value
    if set(value) == {"file"} and isinstance(value["file"], str):
        return parse(_text_of(value["file"], info))
    return parse(secret.resolve(value, info).get_secret_value())


def parse(text: str) -> TsigKey:
    """A key from BIND's ``key "NAME" { … };`` or from nsupdate's ``ALGORITHM:NAME:SECRET``. Raises ValueError."""
    name, algorithm, key = _statement(text) if "{" in text else _one_line(text)
    if algorithm not in get_args(Algorithm):
        raise ValueError(f"the key's algorithm is none of {', '.join(get_args(Algorithm))}; make one with tsig-keygen")
    try:
        strength = len(base64.b64decode(key, validate=True))
    except binascii.Error:
        raise ValueError(f"the key's secret is not base64; {HELP}") from None
    if not name or strength < 16:
        raise ValueError(f"the key has no name, or fewer than 16 secret bytes; {HELP}")
    return TsigKey.model_validate({"name": name.lower(), "algorithm": algorithm, "secret": key})


def _statement(text: str) -> tuple[str, str, str]:
    found = [
        re.search(pattern, text)
        for pattern in (r'key\s+"?([\w.-]+)"?\s*\{', r'algorithm\s+"?([\w-]+)"?', r'secret\s+"([^"]*)"')
    ]
    name, algorithm, key = (match.group(1) if match else "" for match in found)
    return name, algorithm, key


def _one_line(text: str) -> tuple[str, str, str]:
    parts = text.strip().split(":")
    if len(parts) != 3:
        raise ValueError(f"this is not a key for DNS updates; {HELP}")
    return parts[1], parts[0], parts[2]


def _text_of(name: str, info: ValidationInfo) -> str:
    where = secret.path(name, info)
    try:
        return files.content(where).decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8"
        raise ValueError(f"{where} cannot be read ({reason}); name the file with the key") from None
