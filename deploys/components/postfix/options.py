"""What may be said about Postfix."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from deploys.config.base import Problem, Settings, refuse
from deploys.values import HostName, OneLine, ParameterName, Port, Scalar
from deploys.values.secret import Secret

SPOOL = "/var/spool/postfix"
SIEVE_SOCKET = f"{SPOOL}/private/sieve"  # where what people's scripts send comes in
# Ports of the loopback, where Postfix hands itself a message once more: to be sent on under a sender of ours, and to be
# made 7-bit text.
SRS_PORT, SEVEN_BIT_PORT = 10027, 10028
# Parameters that have an option of their own: said in two places, one of them would be wrong.
SETTINGS = {
    "myhostname": "hostname",
    "mynetworks": "trusted_networks",
    "relayhost": "relayhost",
    "message_size_limit": "message_size",
    "virtual_mailbox_domains": "domains",
    "virtual_alias_maps": "aliases",
}


class Relayhost(Settings):
    """The server that takes all outgoing mail (a smarthost), with the credentials it asks for."""

    host: HostName = Field(description="Its name; its certificate must cover it.", examples=["smtp.example.net"])
    port: Port = Field(default=587, description="Its port.", examples=[465])
    tls: Literal["starttls", "implicit"] = Field(
        default="starttls", description="`starttls` after the greeting (587), or `implicit` from the first byte (465)."
    )
    username: OneLine | None = Field(
        default=None, description="The name to log in with.", examples=["mail@example.org"]
    )
    password: Secret | None = Field(
        default=None,
        description="The password, never itself in this file: `{file: path}` (relative to this file; its last line"
        " break is dropped) or `{env: NAME}`.",
        examples=[{"file": "relayhost.password"}],
    )

    @model_validator(mode="after")
    def _makes_sense(self) -> Relayhost:
        problems: list[Problem] = []
        if (self.username is None) != (self.password is None):
            missing, given = ("password", "username") if self.password is None else ("username", "password")
            problems.append(((missing,), f"is missing, and {given} is given; write both or neither"))
        if self.username and ":" in self.username:  # Postfix keeps both in one field, name:password
            problems.append((("username",), "holds a colon, which Postfix cannot keep in a name; use another name"))
        if self.password and self.password.get_secret_value() != self.password.get_secret_value().rstrip():
            problems.append((("password",), "ends with a blank, which Postfix's table drops; choose another password"))
        if self.port == 465 and self.tls == "starttls":
            problems.append((("port",), "465 speaks TLS from the first byte; add tls: implicit, or write port: 587"))
        if self.port in (25, 587) and self.tls == "implicit":
            problems.append((("port",), f"{self.port} begins without TLS; write tls: starttls, or port: 465"))
        if problems:
            refuse(problems)
        return self


class PostfixOptions(Settings):
    """Any parameter of main.cf."""

    parameters: dict[ParameterName, Scalar] = Field(
        default={},
        description="Any parameter of main.cf; it wins over ours. (Those with an option of their own are said there.)",
        examples=[{"biff": False}],
    )

    @model_validator(mode="after")
    def _says_it_once(self) -> PostfixOptions:
        doubled = [name for name in self.parameters if name in SETTINGS]
        if doubled:
            refuse((("parameters", name), f"has an option of its own; say it in {SETTINGS[name]}") for name in doubled)
        return self
