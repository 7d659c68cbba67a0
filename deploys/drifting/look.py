"""Look at one host: three remote commands, and one more where it has tables that are not as declared."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pyinfra import host
from pyinfra.api import StringCommand

from deploys import asking
from deploys.checks import declared, listeners
from deploys.checks.bundle import script
from deploys.components import all as every
from deploys.components.component import Component, Context
from deploys.components.record.render import DIRECTORY, FILE
from deploys.config.mailserver import MailServer
from deploys.drifting import steps, tables
from deploys.drifting.finding import Finding
from deploys.drifting.judge import Judge, Said, of_listeners
from deploys.drifting.plan import plan
from deploys.drifting.report import Report
from deploys.summary.look import look as look_at_tables
from deploys.takeover import look as takeover
from facts.listeners import Listeners
from facts.machine import Machine
from facts.survey import Question, question
from facts.tree import Tree
from facts.units import UnitState
from operations.survey import ask, together

LONGEST = 300  # seconds for the program on the host: it reads every file of our packages


def everything(mail: MailServer) -> Report:
    """All findings on the present host; what could not be looked at is named."""
    machine = host.get_fact(Machine, _ignore_errors=True)
    context = Context(mail, machine)
    context = replace(context, foreign=ask(takeover.about(context, every.declared(context))))
    parts = every.declared(context)
    wanted = [steps.installation(mail.hostname, every.packages(parts))]
    first = replace(parts[0], steps=(*wanted, *parts[0].steps))
    units = {one.unit: question(UnitState, **one.question) for one in every.services(parts)}
    listening, trees = question(Listeners), [_of_table(table.path) for table in every.tables(parts)]
    with together([*units.values(), listening, *trees, *steps.asked([first, *parts[1:]])]):
        running = {unit: ask(about) for unit, about in units.items()}
        sockets = ask(listening)
        would = steps.would([first, *parts[1:]])
        there = look_at_tables(context, parts)
    said, unlooked = _run_on_host(plan(context, parts, declared.code(mail)))
    judge = Judge(parts, said, _same(said, there.fresh))
    found = judge.results(running)
    found += steps.results(would, [one.about for one in found])
    found += of_listeners(listeners.results(every.listeners(parts), sockets, mail.open_ports), found, parts)
    found += _undeclared(context, parts)
    found, since = tables.told(found, there)
    return Report(found=tuple(found), since=tuple(since), unlooked=tuple(unlooked))


def _of_table(path: str) -> Question[Any]:
    directory, _, name = path.rpartition("/")
    return question(Tree, target=directory, paths=[name])


def _same(said: Said, fresh: bool) -> bool | None:
    """Whether mail.yaml declares what it did at the last run, by the record of that (deploys/components/record)."""
    record = f"{DIRECTORY}/{FILE}"
    return None if fresh else not any(one["about"] == record for one in said.get("files", ()))


def _run_on_host(asked: Mapping[str, Any]) -> tuple[dict[str, list[dict[str, Any]]], list[str]]:
    """What the program on the host said, by look; and what it could not look at."""
    command = StringCommand("python3 -I -B -")
    ok, output = asking.run(command, _stdin=script("drift", asked), _timeout=LONGEST)
    said: dict[str, list[dict[str, Any]]] = {}
    ended, unlooked = set(), []
    for one in _lines(output.stdout_lines):
        name = one.pop("look")
        if "end" not in one:
            said.setdefault(name, []).append(one)
        elif one["end"]:
            ended.add(name)
        else:
            unlooked.append(f"{name}: {one['why']}")
    if not ok:
        why = output.stderr_lines[-1] if output.stderr_lines else "no reason given"
        unlooked.append(f"the host: its program ended early: {why}")
    return said, unlooked


def _lines(output: Iterable[str]) -> Iterable[dict[str, Any]]:
    for line in output:
        if line.startswith('{"look"'):
            yield json.loads(line)


def _undeclared(context: Context, parts: Sequence[Component]) -> list[Finding]:
    """What a run of ours converged and mail.yaml declares no more: it goes on until the next run."""
    keep = {service.unit for service in every.services(parts)} | {one for part in parts for one in part.keeps_units}
    targets = set(context.foreign.targets) - {tree.target for tree in every.trees(parts)}
    gone = [*sorted(set(context.foreign.units) - keep), *sorted(targets)]
    return [
        Finding(
            "undeclared",
            one,
            "is there, and mail.yaml no longer declares it",
            "the host",
            "the next run takes it away",
            "declared",
        )
        for one in gone
    ]
