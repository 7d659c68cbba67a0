"""What may be said about Postfix."""

from __future__ import annotations

from typing import Literal

from deploys.settings import Settings


class Relayhost(Settings):
    """The smarthost that outgoing mail takes, with the credentials it asks for."""

    host: str
    port: int = 587
    tls: Literal["starttls", "implicit"] = "starttls"
    username: str | None = None
    password: str | None = None  # resolved from {file: …} or {env: …}; never stands in the YAML


class Postfix(Settings):
    """Any parameter of main.cf; it wins over ours."""

    parameters: dict[str, str | int | bool] = {}
    relayhost: Relayhost | None = None
    trusted_networks: tuple[str, ...] = ()
    message_size: int = 50 << 20
