"""How much one login may send within an hour, and where Postfix asks about it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, StrictInt, model_validator

from deploys.config.base import Settings, refuse

SOCKET = "/run/posthaus-sending/policy"
MESSAGES, RECIPIENTS = 200, 500
Number = Annotated[StrictInt, Field(ge=1, le=1_000_000)]


class Sending(Settings):
    """How much one login may send within an hour. What goes beyond that waits until the operator lets it go."""

    messages: Number = Field(
        default=MESSAGES, description="Messages handed in within an hour, by mail program and webmail.", examples=[1000]
    )
    recipients: Number = Field(
        default=RECIPIENTS,
        description="Recipients of these together, as the mail program names them: an alias is one. Default: 500, or"
        " `messages` if that is more.",
        examples=[3000],
    )

    @model_validator(mode="after")
    def _makes_sense(self) -> Sending:
        if self.model_fields_set >= {"messages", "recipients"} and self.recipients < self.messages:
            text = f"is less than messages, {self.messages}, and each has a recipient; write {self.messages} or more"
            refuse([(("recipients",), text)])
        return self


def _or_none(value: object) -> object:
    if value is True:
        raise ValueError("is yes; write false for no limit, or take the line away to have one")
    return value if value is False or value is None else Sending.model_validate(value)


SendingOption = Annotated[Sending | Literal[False], BeforeValidator(_or_none)]
OwnSendingOption = Annotated[Sending | Literal[False] | None, BeforeValidator(_or_none)]


def limits(server: Sending | Literal[False], own: Sending | Literal[False] | None = None) -> tuple[int, int] | None:
    """The most messages and recipients an hour, where ``server`` says it of all, and ``own`` of one mailbox (None:
    nothing), which may leave one of the two to the server's. None: as many as anybody likes."""
    if own is False or (own is None and not server):
        return None
    said = {name: getattr(one, name) for one in (server, own) if one for name in sorted(one.model_fields_set)}
    messages: int = said.get("messages", MESSAGES)
    return messages, max(messages, said.get("recipients", RECIPIENTS))
