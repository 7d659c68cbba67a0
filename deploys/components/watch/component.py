"""The host looks after itself: each morning it tells the postmaster what got worse or was mended, else nothing."""

from __future__ import annotations

from functools import partial

from deploys.components.component import UNITS, Component, Context, Run, Tree
from deploys.components.watch import render
from facts.watch import PROGRAM
from operations.service import Service

SERVICE = Service(render.TIMER, restart_on=(f"{UNITS}/{render.TIMER}", f"{UNITS}/{render.SERVICE}"), trees=(PROGRAM,))


def component(context: Context) -> Component:
    """Made of what the others declare: their services, packages and state, and what they have looked at (``looks``)."""
    return Component(
        "Watch",
        units=render.units(),
        steps=(
            Tree(
                "Write the program by which the host looks after itself",
                PROGRAM,
                partial(render.program, context),
                validate="python3 -I -B -c 'import sys; sys.path.insert(0, sys.argv[1]);"
                ' import deploys.components.watch.program.main\' "$STAGE"',
            ),
            Run("Have the host look after itself each day", SERVICE),
        ),
    )
