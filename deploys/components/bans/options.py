"""When an address is shut out, and where the guard that does it is reached."""

from __future__ import annotations

import ipaddress
from typing import Annotated

from pydantic import AfterValidator, Field, StrictInt, StrictStr, WithJsonSchema, model_validator

from deploys.config.base import Settings
from deploys.values import Duration, durations, without_repeats

PORT = 4001  # of the loopback: as PowerDNS's weakforced is asked, whose protocol this is by origin
URL = f"http://127.0.0.1:{PORT}/"


def _spared(text: str) -> str:
    try:
        net = ipaddress.ip_network(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a network; write addresses such as 192.0.2.0/24 or 2001:db8::/64") from None
    if net.prefixlen == 0:
        raise ValueError(f"{text} is the whole internet; write `bans: false` for no bans at all")
    return str(net)


Spared = Annotated[
    StrictStr, AfterValidator(_spared), WithJsonSchema({"type": "string", "title": "network or address"})
]
Window = Annotated[Duration, AfterValidator(durations.between(60, 86400))]
Span = Annotated[Duration, AfterValidator(durations.between(60, 30 * 86400))]


class Bans(Settings):
    """After how many wrong logins an address is shut out, and for how long."""

    failures: Annotated[StrictInt, Field(ge=3, le=1000)] = Field(
        default=10,
        description="So many wrong logins from one address (IPv6: from one /64), in whatever protocol or in the"
        " webmail, shut it out. 3 to 1000.",
        examples=[20],
    )
    within: Window = Field(default=600, description="Within so long.", examples=["30m"])
    span: Span = Field(
        alias="for",
        default=3600,
        description="For so long it reaches no port for mail and none of the webmail. Twice as long each further time,",
        examples=["15m"],
    )
    longest: Span = Field(default=7 * 86400, description="up to this.", examples=["1d"])
    never: Annotated[tuple[Spared, ...], AfterValidator(without_repeats)] = Field(
        default=(),
        description="Networks that are never shut out, such as an office behind one address; neither are those of"
        " `trusted_networks`, loopback, and the host itself.",
        examples=[["203.0.113.7", "2001:db8::/48"]],
    )

    @model_validator(mode="after")
    def _grows(self) -> Bans:
        if self.longest < self.span:
            raise ValueError("longest is shorter than for; write at least the same")
        return self
