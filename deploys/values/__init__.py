"""Types of the operator's options. Each one checks, makes canonical, and describes itself to editors (JSON Schema)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, StrictBool, StrictInt, StrictStr, WithJsonSchema

from deploys.values import durations, hashes, names, networks, sizes


def one_line(text: str) -> str:
    """``text``, when it is something to read and fits one line of a configuration file."""
    if not text.strip():
        raise ValueError("is empty; write a value or take the line away")
    if re.search(r"[\x00-\x1f\x7f]", text):
        raise ValueError("holds a control character (a line break, a tab); write it on one line")
    return text


def without_repeats(values: Iterable[Any]) -> tuple[Any, ...]:
    """The values in their order, each once."""
    return tuple(dict.fromkeys(values))


def scalar(value: object) -> object:
    """A value of somebody else's configuration: text on one line, a whole number, or yes/no. Never printed."""
    if isinstance(value, str) and re.search(r"[\x00-\x1f\x7f]", value):
        raise ValueError("holds a control character (a line break, a tab); write it on one line")
    if not isinstance(value, (str, int)):
        raise ValueError("is not text, a whole number or yes/no; write it in quotes")
    return value


def parameter_name(text: str) -> str:
    """The name of a parameter of Postfix, or a setting of Dovecot."""
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_./-]*", text):
        raise ValueError(f"{text!r} is not the name of a parameter; write it as its manual does, such as biff")
    return text


def _text(title: str, **more: Any) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "title": title, **more})


HostName = Annotated[StrictStr, AfterValidator(names.host_name), _text("host name")]
Domain = Annotated[StrictStr, AfterValidator(names.host_name), _text("domain")]
Address = Annotated[StrictStr, AfterValidator(names.address), _text("address")]
AliasAddress = Annotated[StrictStr, AfterValidator(names.alias_address), _text("address")]
MailboxAddress = Annotated[StrictStr, AfterValidator(names.mailbox_address), _text("address")]
PasswordHash = Annotated[StrictStr, AfterValidator(hashes.canonical), _text("password hash", pattern=r"^(\{|\$)")]
Network = Annotated[StrictStr, AfterValidator(networks.network), _text("network")]
OneLine = Annotated[StrictStr, AfterValidator(one_line), _text("text", minLength=1)]
Port = Annotated[StrictInt, Field(ge=1, le=65535), WithJsonSchema({"type": "integer", "minimum": 1, "maximum": 65535})]
Size = Annotated[
    int,
    BeforeValidator(sizes.size),
    WithJsonSchema(
        {
            "title": "size",
            "anyOf": [
                {"type": "integer", "minimum": 0},
                {"type": "string", "pattern": r"^\d+(\.\d+)?\s?[KkMmGgTt]?(i?B)?$"},
            ],
        }
    ),
]
Duration = Annotated[
    int,
    BeforeValidator(durations.duration),
    WithJsonSchema(
        {
            "title": "span of time",
            "anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": r"^\d+\s?[SsMmHhDdWw]$"}],
        }
    ),
]
ParameterName = Annotated[StrictStr, AfterValidator(parameter_name)]
Scalar = Annotated[
    str | StrictInt | StrictBool,
    BeforeValidator(scalar),
    WithJsonSchema({"title": "text, number or yes/no", "type": ["string", "integer", "boolean"]}),
]
