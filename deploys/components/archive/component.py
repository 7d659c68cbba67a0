"""Mailboxes that mail.yaml has no more: out of Dovecot's sight, and kept with all that was the person's."""

from __future__ import annotations

from functools import partial

from deploys.components.archive import render
from deploys.components.archive.options import PROGRAM, STATE, leaving
from deploys.components.component import UNITS, AnyStep, Component, Context, Look, Run, Step, Tree
from deploys.components.component import State as Kept
from deploys.config.mailserver import MailServer
from operations.leaving import archived
from operations.service import Service

SERVICE = Service(render.TIMER, restart_on=(f"{UNITS}/{render.TIMER}", f"{UNITS}/{render.SERVICE}"), trees=(PROGRAM,))


def component(context: Context) -> Component | None:
    """Before Dovecot's, whose list of mailboxes tells whose are going. Unix users' mail is their own."""
    mail = context.mail
    if mail.accounts == "system":
        return None
    return Component(
        "Archive",
        units=render.units(mail, PROGRAM),
        steps=(
            Tree(
                "Write the program that keeps mailboxes that are gone",
                PROGRAM,
                partial(render.program, mail),
                validate="python3 -I -B -c 'import sys; sys.path.insert(0, sys.argv[1]);"
                ' import deploys.components.archive.program.main\' "$STAGE"',
            ),
            *_timer(mail),
            Step("Note whose mailbox goes to the archive", archived, leaving(mail.directory, mail.archive)),
        ),
        state=(
            Kept(
                STATE, "of archived mailboxes: passwords that people chose, what they set in the webmail", always=False
            ),
        ),
        looks=(Look("archive", {"state": STATE, "keeps": mail.archive}),),
    )


def ended() -> tuple[str, ...]:
    """The timer, which fails where the service that it starts is not there any more."""
    return (render.TIMER,)


def _timer(mail: MailServer) -> tuple[AnyStep, ...]:
    return (Run("Have the archive emptied of what is past its time", SERVICE),) if mail.archive else ()
