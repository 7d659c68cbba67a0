"""Look before anything changes, and refuse with all reasons of all hosts at once."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from weakref import WeakKeyDictionary

import gevent
import pyinfra
from pyinfra import host, logger
from pyinfra.api import deploy
from pyinfra.api.arguments import pop_global_arguments
from pyinfra.api.exceptions import DeployError
from pyinfra.context import ctx_host, ctx_state

from deploys.components.all import declared, tables
from deploys.components.component import Component, Context
from deploys.components.unbound.check import unfit
from deploys.components.unbound.options import Forward
from deploys.config.mailserver import MailServer
from deploys.preflight.halfway import unfinished_problems
from deploys.preflight.names import name_problems, serves
from deploys.preflight.needs import access_problems, another_run, problems
from deploys.takeover.look import about, takeover_problems
from facts.listeners import Listeners, Socket
from facts.machine import Machine, MachineState, programs
from facts.packages import Lacking
from facts.resolvers import Answers, Resolvers
from facts.roots import RootServers
from facts.survey import Question, question
from facts.tree import Tree
from operations import archive
from operations.renames import conflicts, of_homes
from operations.survey import ask, expect

PATIENCE_SECONDS = 120


# What each host of a run answered so far, by stage: {host: its problems}; an empty list lets it go on.
_answers: WeakKeyDictionary[Any, dict[str, dict[str, list[str]]]] = WeakKeyDictionary()


@deploy("Preflight")
def deploy_preflight(mail: MailServer) -> Context:
    """Facts, no change. DeployError names everything that stands in the way, on every host of the run, since whoever
    fixes one host wants to know about the others too."""
    context, found = _look(mail)
    machine = context.machine
    all_or_none("what stands in the way", found)
    if machine.unfinished:
        left = ", ".join(machine.unfinished)
        logger.warning(
            "    %s: dpkg left unfinished: %s; `dpkg --configure -a` runs with the next installation", host.name, left
        )
    return context


def all_or_none(stage: str, problems: list[str]) -> None:
    """End the run for all hosts, before anything changes, if the present one has ``problems``: DeployError tells those
    of the others at the same ``stage`` too."""
    answers = _answers.setdefault(ctx_state.get(), {}).setdefault(stage, {})
    answers[host.name] = problems
    if problems:
        _hear_the_others(answers)
        raise DeployError(_report({name: answer for name, answer in sorted(answers.items()) if answer}))


def _look(mail: MailServer) -> tuple[Context, list[str]]:
    inventory, _ = pop_global_arguments(ctx_state.get(), ctx_host.get(), {})
    # Asked as the login itself, so that a missing sudo is a sentence and not a failed command.
    machine: MachineState = host.get_fact(Machine, programs=programs(_unasked(mail)), _sudo=False)
    password = inventory["_sudo_password"] or host.connector_data.get("prompted_sudo_password")
    if no_access := access_problems(machine, bool(inventory["_sudo"]), bool(password)):
        return Context(mail, machine), no_access
    context = Context(mail, machine)
    parts = declared(context)  # what it needs of the host does not rest on what others configured there
    listening, theirs = question(Listeners), about(context, parts)
    former = mail.directory.renamed
    asked = [*_of_names(mail), *_of_sources(parts), *_of_tables(parts), *of_homes(former)]
    expect([listening, theirs, *asked])
    listeners, context = ask(listening), replace(context, foreign=ask(theirs))
    lacking = host.get_fact(Lacking) if machine.unfinished else []
    found = [*_other_run(machine), *unfinished_problems(machine, lacking)]
    found += [*problems(machine, listeners, parts, mail.firewall), *_names(mail, listeners)]
    found += [problem for homes in of_homes(former) for problem in conflicts(former, ask(homes))]
    return context, [*found, *takeover_problems(context)]


def _unasked(mail: MailServer) -> list[str]:
    """The packages whose versions do not count here: each is of a component that is not declared."""
    roundcube = mail.webmail and mail.webmail.program == "roundcube"
    return [*([] if mail.forwards else ["postsrsd"]), *([] if roundcube else ["roundcube-core"])]


def _other_run(machine: MachineState) -> list[str]:
    """Who only looks (``--dry``) stands in nobody's way."""
    found = another_run(machine)
    if not found or "--dry" not in sys.argv:
        return found
    logger.warning("    %s: %s", host.name, found[0])
    return []


def _names(mail: MailServer, listeners: list[Socket]) -> list[str]:
    if mail.resolver == "host":
        return []
    asking = mail.resolver == "local" and not serves(listeners)
    reaches = asking and ask(question(RootServers))  # which takes seconds where none answers, and mostly is not asked
    wrong = {address: fault for one in _of_names(mail) for address, fault in unfit(_forward(mail), ask(one)).items()}
    return name_problems(listeners, asking, reaches, wrong)


def _of_sources(parts: Sequence[Component]) -> list[Question[Any]]:
    """What tells whether the workstation must have a source, which is seen to before anything changes."""
    steps = [step for part in parts for step in part.steps if step.operation is archive.unpack]
    return [one for step in steps for one in archive.unpack.questions(**step.arguments)]


def _of_tables(parts: Sequence[Component]) -> list[Question[Any]]:
    """What tells whether the tables of who has what are as declared: the next who looks wants to know."""
    paths = [table.path.rpartition("/") for table in tables(parts)]
    return [question(Tree, target=directory, paths=[name]) for directory, _, name in paths]


def _of_names(mail: MailServer) -> list[Question[Answers]]:
    return [question(Resolvers, addresses=_forward(mail))] if _forward(mail) else []


def _forward(mail: MailServer) -> list[str]:
    """Whom the resolver asks instead of the root."""
    return list(mail.resolver.forward) if isinstance(mail.resolver, Forward) else []


def _hear_the_others(answers: dict[str, list[str]]) -> None:
    """Wait until every host has answered. Not for ever, and not where all workers of the run would wait for each other
    (more hosts than --parallel), nor where hosts come one after another (pyinfra's API)."""
    state = ctx_state.get()
    deadline = time.monotonic() + (PATIENCE_SECONDS if pyinfra.is_cli else 0)
    while time.monotonic() < deadline:
        silent = [one for one in state.inventory.get_active_hosts() if one.name not in answers]
        refused = sum(1 for answer in answers.values() if answer)
        if not silent or refused >= state.pool.size:
            return
        gevent.sleep(0.05)


def _report(refused: dict[str, list[str]]) -> str:
    lines = [f"    {name}: {problem}" for name, found in refused.items() for problem in found]
    return "\n".join(["nothing was changed; this stands in the way:", *lines])
