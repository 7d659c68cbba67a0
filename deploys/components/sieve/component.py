"""Sieve: what people's scripts send. (Its programs lie among Dovecot's files.)"""

from __future__ import annotations

from deploys.components.component import UNITS, Component, Context, Run
from deploys.components.sieve import render
from deploys.components.sieve.render import SOCKET
from operations.service import Service

# What answers at the socket is started anew for each message.
SERVICE = Service(SOCKET, restart_on=(f"{UNITS}/{SOCKET}",))


def component(context: Context) -> Component:
    """The socket that Dovecot connects to for whatever a script sends."""
    mail = context.mail
    return Component(
        "Sieve",
        units=render.units(mail.accounts, mail.vmail.name),
        steps=(
            Run(
                "Run the service for Sieve scripts' messages",
                SERVICE,
                "test -S /run/posthaus-sieve/socket || exit 75",
            ),
        ),
    )
