"""Secrets that the YAML only names: in a file, or in the environment."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, SecretStr, ValidationInfo, WithJsonSchema

from deploys.values import files

HELP = "write {file: path} or {env: NAME}, and keep the secret there"


def resolve(value: object, info: ValidationInfo) -> SecretStr:
    """The secret that ``{file: path}`` or ``{env: NAME}`` names, every character kept but a file's last line break.

    Paths are relative to the YAML file's directory. No message holds the secret, nor what may be one by mistake.
    """
    if isinstance(value, SecretStr):
        return value
    if not isinstance(value, dict) or len(value) != 1 or not set(value) <= {"file", "env"}:
        raise ValueError(f"a secret does not stand here itself; {HELP}")
    ((where, name),) = value.items()
    if not isinstance(name, str) or not name:
        raise ValueError(f"{where} is not text; {HELP}")
    return SecretStr(_checked(_from_file(name, info) if where == "file" else _from_environment(name)))


def path(text: str, info: ValidationInfo) -> Path:
    """``text`` as a path on this workstation, relative to the directory of the YAML file."""
    return base_of(info) / files.home(text)


def base_of(info: ValidationInfo) -> Path:
    """The directory that relative paths start from."""
    context: dict[str, Any] = info.context or {}
    return Path(context.get("base", "."))


def _from_file(name: str, info: ValidationInfo) -> str:
    where = path(name, info)
    try:
        content = files.content(where).decode("utf-8-sig")  # some editors begin a file with a mark (U+FEFF)
    except OSError as error:
        raise ValueError(f"{where} cannot be read ({error.strerror}); name a file that holds the secret") from None
    except UnicodeDecodeError:
        raise ValueError(f"{where} is not UTF-8; save it as UTF-8") from None
    return content.removesuffix("\n").removesuffix("\r")


def _from_environment(name: str) -> str:
    secret = os.environ.get(name)
    if secret is None:
        shown = name if re.fullmatch(r"[A-Z][A-Z0-9_]*", name) else "of that name"  # it may be the secret itself
        raise ValueError(f"no environment variable {shown} is set; set it, or write {{file: path}}")
    return secret


def _checked(secret: str) -> str:
    if not secret:
        raise ValueError("the secret is empty; put it there, on one line")
    if re.search("[\ud800-\udfff]", secret):  # bytes of the environment that are no text (PEP 383)
        raise ValueError("the secret is not UTF-8; put it there as UTF-8")
    if re.search(r"[\x00-\x1f\x7f]", secret):
        raise ValueError("the secret holds a line break or another control character; put it there on one line")
    return secret


def _one_of(key: str) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {key: {"type": "string", "minLength": 1}},
        "required": [key],
        "additionalProperties": False,
    }


BY_NAME = WithJsonSchema({"title": "{file: path} or {env: NAME}", "oneOf": [_one_of("file"), _one_of("env")]})
Secret = Annotated[SecretStr, BeforeValidator(resolve), BY_NAME]
