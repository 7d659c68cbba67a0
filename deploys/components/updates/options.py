"""When a host takes security updates by itself."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, StrictBool, WithJsonSchema

from deploys.config.base import Settings, or_none


def _hour(text: object) -> str:
    if isinstance(text, int) and not isinstance(text, bool):  # YAML 1.1 takes 14:30 for 14 times 60 and 30
        meant = f"{text // 60 % 24:02}:{text % 60:02}"
        raise ValueError(f'is no time of day but the number {text}; put it in quotes, "{meant}"')
    if not isinstance(text, str) or not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", text):
        raise ValueError(f'{text!r} is no time of day; write hours and minutes of the host\'s clock in quotes, "04:00"')
    return text


Hour = Annotated[
    str, BeforeValidator(_hour), WithJsonSchema({"type": "string", "title": "time of day", "pattern": "^[0-9:]{5}$"})
]


class Updates(Settings):
    """Security updates of the release, and what is started anew because of them."""

    at: Hour = Field(
        default="04:00",
        description="The host's own time of day, in quotes, when they are installed (within ten minutes). What runs"
        " replaced programs or libraries is started anew then: people's programs connect again by themselves.",
        examples=["02:30"],
    )
    reboot: StrictBool = Field(
        default=False,
        description="Restart the whole host right after, where an update wants it (a new kernel). Otherwise"
        " `deploys/status.py` says that it waits.",
        examples=[True],
    )


UpdatesOption = Annotated[Updates | Literal[False], or_none(Updates, "none", "them")]
