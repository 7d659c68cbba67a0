"""Bans: whoever tries passwords is shut out, in every protocol at once."""

from __future__ import annotations

from functools import partial

from deploys.components.bans import render
from deploys.components.bans.options import PORT
from deploys.components.component import UNITS, Component, Context, Local, Run, Tree
from operations.service import Service

TABLE = Service(
    render.TABLE_UNIT,
    reload_on=(render.TABLE_FILE,),
    restart_on=(f"{UNITS}/{render.TABLE_UNIT}",),
    trees=(render.DIRECTORY,),
)
GUARD = Service(
    render.UNIT,
    restart_on=(render.DIRECTORY, f"{UNITS}/{render.UNIT}"),
    trees=(render.DIRECTORY,),
)


def component(context: Context) -> Component | None:
    """The guard that Dovecot reports every login to, and the table of nftables that it fills."""
    bans = context.mail.bans
    if not bans:
        return None
    return Component(
        "Bans",
        packages=render.packages(),
        units=render.units(),
        steps=(
            Tree(
                "Write the guard against guessed passwords",
                render.DIRECTORY,
                partial(render.configuration, bans, context.mail.trusted_networks),
                validate="""python3 -I -B -c 'import sys; sys.path.insert(0, sys.argv[1]);"""
                """ from deploys.components.bans.program.main import main; main([sys.argv[1], "check"])' "$STAGE" """
                """&& nft --check -f "$STAGE/table.nft\"""",
            ),
            Run("Make the table of who is shut out", TABLE),
            Run("Run the guard against guessed passwords", GUARD, render.running()),
        ),
        local=(Local(f"127.0.0.1:{PORT}", "who tries which login, to Dovecot"),),
    )


def ended() -> tuple[str, ...]:
    """The unit that says by its file what goes with it, the table, so it is stopped while that file is there."""
    return (render.TABLE_UNIT,)
