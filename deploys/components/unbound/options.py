"""Whom the mail programs ask for names."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo

from deploys.config.base import Settings
from deploys.records.options import IpAddress
from deploys.values import without_repeats

ADDRESS = "127.0.0.1"
DIRECTORY = "/etc/unbound"
FOR_POSTFIX = f"{DIRECTORY}/posthaus-resolv.conf"  # what Postfix sees as /etc/resolv.conf
RESOLV_CONF = "/etc/resolv.conf"


class Forward(Settings):
    """Others ask the world: for networks that let nobody else ask."""

    forward: Annotated[tuple[IpAddress, ...], Field(min_length=1), AfterValidator(without_repeats)] = Field(
        description="Their addresses. They must pass on DNSSEC's signatures; a run asks them first.",
        examples=[["192.0.2.53"]],
    )


def _resolver(value: object, info: ValidationInfo) -> object:
    if isinstance(value, str):
        if value not in ("local", "host"):
            raise ValueError("is no way to resolve names; write local, host, or {forward: [192.0.2.53]}")
        return value
    return Forward.model_validate(value, context=info.context)


ResolverOption = Annotated[Literal["local", "host"] | Forward, BeforeValidator(_resolver)]
