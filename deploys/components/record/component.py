"""The record: what mail.yaml declared when this host last became that, so that the next run can say what is new."""

from __future__ import annotations

from functools import partial

from deploys.components.archive.options import leaving
from deploys.components.component import Component, Context, Step, Table, Tree
from deploys.components.record import render
from operations.leaving import archived


def component(context: Context) -> Component:
    """One file, written once everything else is so. By then nothing is on its way to a mailbox that is gone."""
    mail = context.mail
    gone = Step("Remove what led to archived mailboxes", archived, leaving(mail.directory, mail.archive))
    return Component(
        "Record",
        steps=(
            *((gone,) if mail.accounts == "virtual" else ()),
            Tree("Write down what was declared", render.DIRECTORY, partial(render.configuration, mail)),
        ),
        tables=(Table(f"{render.DIRECTORY}/{render.FILE}", render.read, adds=True),),
        last=True,
    )
