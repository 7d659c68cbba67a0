"""What of a host's earlier configuration may be replaced."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

from deploys.values import without_repeats

Component = Literal["postfix", "dovecot", "rspamd", "unbound", "files"]
COMPONENTS: tuple[Component, ...] = ("postfix", "dovecot", "rspamd", "unbound", "files")


def _components(value: object) -> object:
    if value is True:
        return COMPONENTS
    if value is False:
        return ()
    if not isinstance(value, (list, tuple)):
        raise ValueError("is not a list; write [postfix, dovecot], or true for all that stands there")
    return value


Takeover = Annotated[
    tuple[Component, ...],
    BeforeValidator(_components),
    AfterValidator(without_repeats),
    WithJsonSchema(
        {"anyOf": [{"type": "boolean"}, {"type": "array", "items": {"enum": list(COMPONENTS), "type": "string"}}]}
    ),
]
