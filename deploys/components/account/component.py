"""People's own passwords and app passwords, where people are no Unix users: those have passwd(1)."""

from __future__ import annotations

from deploys.components.account import render
from deploys.components.component import UNITS, Component, Context, Local, Run, Tree
from operations.service import Service

# What answers at the socket is started anew for each connection.
SERVICE = Service(
    render.SOCKET,
    restart_on=(f"{UNITS}/{render.SOCKET}", f"{UNITS}/{render.SERVICE}", render.DIRECTORY),
    trees=(render.DIRECTORY,),
)


def component(context: Context) -> Component | None:
    """The service on loopback. What it writes, Dovecot reads: its component makes the files."""
    if context.mail.accounts == "system":
        return None
    return Component(
        "Account",
        packages=render.packages(),
        units=render.units(),
        steps=(
            Tree(
                "Write the program for people's own passwords",
                render.DIRECTORY,
                render.program,
                validate="python3 -I -B -c 'import sys; sys.path.insert(0, sys.argv[1]);"
                ' import deploys.components.account.program.main, zxcvbn, argon2\' "$STAGE"',
            ),
            Run("Run the service for people's own passwords", SERVICE, render.running(context.mail)),
        ),
        local=(Local(f"127.0.0.1:{render.PORT}", "people's own passwords, to the webmail"),),
    )
