"""How much each login may send within an hour; what goes beyond that waits in Postfix's queue."""

from __future__ import annotations

from functools import partial

from deploys.components.component import UNITS, Component, Context, Local, Run, Tree
from deploys.components.sending import render
from deploys.components.sending.options import SOCKET
from operations.service import Service

SERVICE = Service(render.UNIT, restart_on=(f"{UNITS}/{render.UNIT}", render.DIRECTORY), trees=(render.DIRECTORY,))


def component(context: Context) -> Component | None:
    """The service that Postfix asks about each message that somebody hands in after a login."""
    if not context.mail.limits_sending:
        return None
    return Component(
        "Sending limits",
        packages=("python3",),
        units=render.units(),
        steps=(
            Tree(
                "Write the limits of sending",
                render.DIRECTORY,
                partial(render.configuration, context.mail),
                validate="python3 -I -B $STAGE check",
            ),
            Run("Run the limits of sending", SERVICE, render.running()),
        ),
        local=(Local(SOCKET, "whether a login has sent too much, to Postfix"),),
    )
