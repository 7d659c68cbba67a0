"""Backups by restic each night, and the program that brings them back."""

from __future__ import annotations

from functools import partial

from deploys.components.backup import render
from deploys.components.backup.program.make import RESTORING
from deploys.components.component import UNITS, Component, Context, Directories, Look, Run, Tree
from operations.directories import Directory
from operations.service import Service

SERVICE = Service(
    render.TIMER, restart_on=(f"{UNITS}/{render.TIMER}", f"{UNITS}/{render.SERVICE}"), trees=(render.PROGRAM,)
)


def component(context: Context) -> Component | None:
    """Made of what the others declare: all their state is kept."""
    backup = context.mail.backup
    if not backup:
        return None
    return Component(
        "Backup",
        packages=("restic",),
        units=render.units(backup),
        steps=(
            Directories("Make a directory for what backups need", {render.SETTINGS: Directory("0700")}),
            Tree("Write where backups go", render.SETTINGS, partial(render.settings, context.mail)),
            Tree(
                "Write the program that makes backups",
                render.PROGRAM,
                partial(render.program, context),
                validate="python3 -I -B -c 'import sys; sys.path.insert(0, sys.argv[1]);"
                ' import deploys.components.backup.program.main\' "$STAGE"',
            ),
            Run("Have a backup made each night", SERVICE),
        ),
        looks=(Look("backup", {"memory": f"{render.MEMORY}/last.json", "restoring": f"{render.MEMORY}/{RESTORING}"}),),
    )


def ended() -> tuple[str, ...]:
    """The timer, which fails where the service that it starts is not there any more."""
    return (render.TIMER,)
