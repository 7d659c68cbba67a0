"""See what a run would take away before it begins, and tell what it did when it has ended, however it ended."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from pyinfra import host
from pyinfra.api import Host, State, deploy
from pyinfra.api.output import echo, format_text
from pyinfra.api.state import BaseStateCallback
from pyinfra.context import ctx_host, ctx_state

from deploys.components.component import Component, Context
from deploys.components.squirrelmail.options import address
from deploys.preflight.deploy import all_or_none
from deploys.summary import fold, guard
from deploys.summary.look import Seen, look
from deploys.summary.quiet import quieten
from deploys.summary.report import Summary, lines, write
from deploys.summary.ticks import Ticks
from operations import survey
from operations.leaving import until

REPORTS = Path(__file__).parents[2] / "reports"
COLOURS = {"+": "green", "–": "red", "~": "yellow"}
RUN = "pyinfra inventory.py"


@dataclass
class Telling:
    """What is to be told of one host."""

    seen: Seen
    found: Sequence[Component]
    began: float
    asks: Sequence[str] = ()
    operations: tuple[str, ...] = ()  # of this run, as pyinfra calls them; empty: not all of them are known yet
    foreseen: bool = False


_tellings: WeakKeyDictionary[Any, Telling] = WeakKeyDictionary()
_began = time.monotonic()


@deploy("Summary")
def deploy_summary(context: Context, found: Sequence[Component]) -> None:
    """Read what the host has, refuse what takes away too much, and have the rest told at the run's end."""
    seen = look(context, found)
    words = guard.wanted(seen.changes(), seen.mailboxes[0])
    mail = context.mail
    kept = f"go to the archive, {until(mail.archive)}" if mail.accounts == "virtual" else "stay on the disk"
    asks = guard.problem(words, seen.mailboxes[0], seen.messages, guard.said(host.data.said.get("confirm")), kept)
    dry = "--dry" in sys.argv
    all_or_none("what this run would take away", [asks] if asks and not dry else [])
    _tellings[ctx_host.get()] = Telling(seen, found, _began, [asks] if asks and dry else [])
    _listen(ctx_state.get())


class Ending(BaseStateCallback):
    """pyinfra leaves each host at the end of a run, whatever became of it: then all of it is told."""

    @staticmethod
    def host_disconnect(state: State, host: Host) -> None:
        tell(state, host)


def foresee() -> None:
    """All operations are known: tell what will change, where a person is about to be asked whether it shall."""
    telling = _tellings[ctx_host.get()]
    telling.operations = tuple(ctx_host.get().op_hash_order)
    if ctx_state.get().should_check_for_changes() and not {"--dry", "--json"} & set(sys.argv):
        tell(ctx_state.get(), ctx_host.get())
        telling.foreseen = True


def tell(state: State, host: Host) -> None:
    """Print the summary of ``host``, and keep it as JSON. Nothing where the run ended before all was known of it, or
    before it did what a person was told already."""
    telling = _tellings.get(host)
    if telling is None or not telling.operations:
        return
    if not state.is_executing and (telling.foreseen or not state.should_check_for_changes()):
        return
    found = summary(state, host, telling)
    page = write(found, REPORTS)
    shown = "\n".join(_painted(line) for line in lines(found))
    echo(f"\n{shown}\n" + (f"  {page}\n" if found.changed else ""), err=True)  # stdout belongs to --json


def summary(state: State, host: Host, telling: Telling) -> Summary:
    """As fold.summary says, with what there is to do next."""
    mail = telling.seen.context.mail
    page = [f"the webmail: {address(mail.webmail)}"] if mail.webmail and telling.seen.fresh else []
    found = fold.summary(
        state,
        host,
        telling.operations,
        telling.seen,
        telling.found,
        time.monotonic() - telling.began,
        dns=f"{RUN} deploys/dns.py: the DNS records to publish{'' if telling.seen.fresh else ' have changed'}",
        follow=[*page, f"{RUN} deploys/verify.py: whether it serves mail"],
    )
    return Summary(**{**vars(found), "asks": telling.asks})


def _painted(line: str) -> str:
    colour = COLOURS.get(line.strip()[:1])
    return format_text(line, fg=colour) if colour else line


def _listen(state: State) -> None:
    if not any(isinstance(one, Ending) for one in state.callback_handlers):
        state.add_callback_handler(Ending())
        state.add_callback_handler(Ticks())
        if not state.print_noop_info:
            survey.on_change(quieten(state).flush)
