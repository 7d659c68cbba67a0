"""Who may read the host's numbers, and where they are told."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo

from deploys.config.base import Settings
from deploys.values import Network, without_repeats

PORT = 9100  # node_exporter's own by default, where a Prometheus looks
DOVECOT = "127.0.0.1:9900"  # where Dovecot tells its numbers, as its documentation has it


class Metrics(Settings):
    """Numbers for Prometheus, by Debian's node_exporter."""

    networks: Annotated[tuple[Network, ...], AfterValidator(without_repeats)] = Field(
        alias="from",
        default=(),
        description="Addresses or networks from which a Prometheus may read them, at port 9100 and without TLS: the"
        " firewall lets in nobody else. Without any, it is this host alone; a Prometheus elsewhere comes by a tunnel.",
        examples=[["192.0.2.10", "2001:db8:7::/64"]],
    )


def _or_none(value: object, info: ValidationInfo) -> object:
    if value is False:
        return False
    return Metrics.model_validate({} if value is True else value, context=info.context)


MetricsOption = Annotated[Metrics | Literal[False], BeforeValidator(_or_none, json_schema_input_type=Metrics | bool)]
