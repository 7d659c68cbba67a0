"""The record: what mail.yaml declared when this host last became that, so that the next run can say what is new."""

from __future__ import annotations

from functools import partial

from deploys.components.component import Component, Context, Table, Tree
from deploys.components.record import render


def component(context: Context) -> Component:
    """One file, written once everything else is so."""
    return Component(
        "Record",
        steps=(Tree("Write down what was declared", render.DIRECTORY, partial(render.configuration, context.mail)),),
        tables=(Table(f"{render.DIRECTORY}/{render.FILE}", render.read, adds=True),),
        last=True,
    )
