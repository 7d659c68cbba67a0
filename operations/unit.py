"""Converge a unit. The host decides, not this run's memory: a restart that was lost (a failed run, ctrl-c, an edit
by hand, a package upgrade) is caught up."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence

from pyinfra import host, state
from pyinfra.api import StringCommand
from pyinfra.api.operation import OperationMeta
from pyinfra.context import ctx_host

from facts.state import tree_state, unit_memory
from facts.survey import Question, question
from facts.units import Unit, UnitState
from operations.config import checker
from operations.script import script, text
from operations.survey import ask, looks
from operations.telling import Doing, of, tell


def _of_unit(
    unit: str,
    reload_on: Sequence[str] | None = None,
    restart_on: Sequence[str] | None = None,
    trees: Sequence[str] | None = None,
    instance: str | None = None,
    sees: tuple[str, str] | None = None,
    **_: object,
) -> list[Question[Unit]]:
    watched = {"reload_on": reload_on, "restart_on": restart_on, "trees": trees, "instance": instance, "sees": sees}
    return [question(UnitState, unit=unit, **watched)]


@looks(_of_unit)
def converge(  # type: ignore[no-untyped-def]
    unit: str,
    reload_on: list[str] | None = None,
    restart_on: list[str] | None = None,
    trees: list[str] | None = None,
    instance: str | None = None,
    sees: tuple[str, str] | None = None,
    probe: str = "true",
    after: Iterable[OperationMeta] = (),
):
    """
    Make ``unit`` run, now and after each boot, with the configuration that lies on disk.

    + reload_on: paths whose change needs a reload
    + restart_on: paths whose change a reload would not pick up
    + trees: targets of config.tree whose previous files are put back if the unit does not come up with the new ones;
      the checker of each must take what lies there before anything is reloaded, restarted or started
    + instance: the unit whose times count, where the host has it
    + sees: a path as the unit's processes see it, and the file that it must be there (BindReadOnlyPaths=)
    + probe: a shell command that must succeed within 10 seconds (15 on a busy host) once the unit runs. It says on
      stderr what is wrong; its status 75 tells that nobody answers yet
    + after: operations whose predicted change makes --dry show a reload here

    Fails with what the probe said and the unit's own last log lines. The former files run again within 30 seconds,
    judged by the probe that they were put there with. What became of the unit is said on stdout: ``unit NAME
    reloaded``, ``restarted`` or ``started``; and ``back TARGET`` of a tree whose former files are back.
    """
    (about,) = _of_unit(unit, reload_on, restart_on, trees, instance, sees)
    now = ask(about)
    watched = [*(reload_on or []), *(restart_on or [])]
    predicted = not state.is_executing and any(operation.will_change for operation in after)
    action = needed(now, predicted and (_foreseen(watched) or bool(_to_prove(trees or []))))
    if not state.is_executing and action == "reload-or-restart" and _foreseen(restart_on or []):
        action = "restart"
    if action == "none" and now.enabled and not now.need_daemon_reload:
        host.noop(f"{unit} runs the configuration on disk")
        return
    tell("unit", unit, action, *(trees or []))
    former = instance if instance and now.watched != instance else ""
    yield command(unit, now, action, trees or [], watched, probe, former)


def command(
    unit: str, now: Unit, action: str, trees: Sequence[str], watched: Sequence[str], probe: str, former: str = ""
) -> StringCommand:
    """What makes ``unit``, which is as ``now`` tells, do ``action`` (see ``needed``) and prove itself by ``probe``.

    ``former``: what the release before ran the daemon as; that it failed when it went is forgotten.
    """
    return script(
        "converge.sh",
        unit,
        now.watched or unit,
        action,
        "keep" if now.enabled else "enable",
        unit_memory(unit),
        *(tree_state(target) for target in trees),
        PROBE=probe,
        CHECKER=_checks(trees, watched),
        WATCHED="\n".join(watched),
        FORMER=former,
    )


def _foreseen(paths: Iterable[str]) -> bool:
    """Whether files at or below ``paths`` will be put, as far as this run has looked."""
    files = {f"{one.about}/{path}" for one in _said("files") for path in one.details}
    return any(file == path or file.startswith(f"{path}/") for path in paths for file in files)


def _to_prove(trees: Iterable[str]) -> set[str]:
    """Those of ``trees`` that will have new files with which no unit before this one will have run."""
    changed = {one.about for one in _said("files")} & set(trees)
    return changed - {tree for one in _said("unit") for tree in one.details[1:]}


def _said(kind: str) -> list[Doing]:
    return [one for said in of(ctx_host.get()).foreseen.values() for one in said if one.kind == kind]


def _checks(trees: Sequence[str], watched: Sequence[str]) -> str:
    """A program for sh: succeeds where each tree's checker takes what lies there; needs nothing else on the host."""
    lines = [text("check.sh")]
    for target in trees:
        if found := checker(target):
            state = tree_state(target)
            changed = shlex.join(["unchanged", f"{state}/checked", *([target] if found.copy else []), *watched])
            words = ["in_place", target, "copy" if found.copy else "bare", f"{state}/manifest", found.validate]
            lines.append(f"{changed} || {shlex.join(words)} || exit 1")
    return "\n".join(lines)


def _nothing(**_: object) -> list[Question[Unit]]:
    return []


@looks(_nothing, is_idempotent=False)
def ended(unit: str):  # type: ignore[no-untyped-def]
    """
    Stop ``unit`` and keep it down after a boot; what ``converge`` noted of it on the host is forgotten.

    Call it only for units that facts.foreign says were converged.
    """
    tell("unit", unit, "stop")
    yield script("converge.sh", unit, unit, "stop", "disable", unit_memory(unit))


def needed(now: Unit, predicted: bool) -> str:
    """start, restart, reload-or-restart or none. ``predicted``: what it reads will change."""
    if not now.active:
        return "start"
    if now.needs_restart:
        return "restart"
    return "reload-or-restart" if now.stale or now.unproved or predicted else "none"
