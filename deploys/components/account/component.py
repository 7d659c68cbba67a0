"""People's own passwords and app passwords, where people are no Unix users: those have passwd(1)."""

from __future__ import annotations

from deploys.components.account import render
from deploys.components.account.options import NOTES
from deploys.components.component import UNITS, Component, Context, Local, Run, Step, Tree
from facts.state import ROOT
from operations import follow
from operations.service import Service

# What answers at the socket is started anew for each connection.
SERVICE = Service(
    render.SOCKET,
    restart_on=(f"{UNITS}/{render.SOCKET}", f"{UNITS}/{render.SERVICE}", render.DIRECTORY),
    trees=(render.DIRECTORY,),
)
SESSIONS = Service(render.PATH, restart_on=(f"{UNITS}/{render.PATH}",))


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
            Run("Watch for sessions to end", SESSIONS),
            Step(
                "Forget what was chosen under other hashes",
                follow.followed,
                {"path": NOTES, "seen": f"{ROOT}/account-notes", "program": f"python3 -I -B {render.DIRECTORY} settle"},
            ),
        ),
        local=(Local(f"127.0.0.1:{render.PORT}", "people's own passwords, to the webmail"),),
    )
