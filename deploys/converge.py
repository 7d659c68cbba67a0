"""A run: what the components declare, done in their order, and what nothing declares any more taken away."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pyinfra import host
from pyinfra.api import deploy
from pyinfra.api.exceptions import DeployError
from pyinfra.api.operation import OperationMeta

from deploys.components import all as every
from deploys.components.archive import component as archives
from deploys.components.backup import component as backup
from deploys.components.bans import component as bans
from deploys.components.clamav import component as clamav
from deploys.components.component import AnyStep, Component, Context, Run, Step, Tree
from deploys.components.firewall import component as firewall
from deploys.components.host.render import debconf
from deploys.components.metrics import component as metrics
from deploys.download import DownloadError
from operations import archive, config, packages, unit
from operations.survey import ask, expect

STOPPED_FIRST = {
    *archives.ended(),
    *backup.ended(),
    *bans.ended(),
    *clamav.ended(),
    *firewall.ended(),
    *metrics.ended(),
}
Metas = dict[str, OperationMeta]  # of each tree of this run, by its target


def converge(context: Context, found: Sequence[Component | None]) -> None:
    """Make the host what ``context.mail`` declares; ``found``: what each of the components is under ``context``."""
    wanted = [one for one in found if one]
    fetch(wanted)
    install = Step(
        "Install the packages of all components",
        packages.installed,
        {
            "packages": every.packages(wanted),
            "debconf": debconf(context.mail.hostname),
            "background": every.background(wanted),
            "prepare": every.prepare(wanted),
        },
    )
    units = every.units(wanted)
    steps = (install, units, *(step for one in wanted for step in one.steps))
    expect(question for step in steps for question in step.operation.questions(**step.arguments))
    _step(install, {})
    metas: Metas = {}
    stop_first(context, wanted)
    _step(units, metas)
    _in_order([one if one and not one.last else None for one in found], metas)
    deploy("What is no longer declared")(clean_up)(context=context, wanted=wanted)
    _in_order([one if one and one.last else None for one in found], metas)


def fetch(found: Iterable[Component]) -> None:
    """Have all sources that the host lacks on the workstation before anything changes, or end the run and say why; so
    does something else in their place."""
    for one in found:
        for step in one.steps:
            if step.operation is not archive.unpack:
                continue
            (about,) = archive.unpack.questions(**step.arguments)
            if ask(about).foreign:
                target = step.arguments["target"]
                raise DeployError(f"{target} is not ours: move it away (mv {target} {target}.old), then run again")
            try:
                if not ask(about).is_version(step.arguments["stamp"]):
                    step.arguments["source"]()
            except DownloadError as error:
                raise DeployError(f"webmail.source: {error}") from None


def _in_order(found: Iterable[Component | None], metas: Metas) -> None:
    """pyinfra orders the operations of hosts by their places in loops: each component has one, wanted or not."""
    for one in host.loop(list(found)):
        if one:
            deploy(one.name)(converge_component)(component=one, metas=metas)


def converge_component(component: Component, metas: Metas) -> None:
    """Its steps, in order; ``metas`` gets what becomes of its trees."""
    for step in host.loop(list(component.steps)):
        _step(step, metas)


def _step(step: AnyStep, metas: Metas) -> None:
    arguments = dict(step.arguments)
    if isinstance(step, Run):
        arguments["after"] = [metas[tree] for tree in (*step.service.trees, *step.after) if tree in metas]
    meta = step.operation(name=step.name, **arguments)
    if isinstance(step, Tree):
        metas[step.target] = meta


def stop_first(context: Context, wanted: Iterable[Component]) -> None:
    """What says by its unit's file what stops with it is stopped while that file is there."""
    _stop(_undeclared(context, wanted) & STOPPED_FIRST)


def clean_up(context: Context, wanted: list[Component]) -> None:
    """Stop the units that a run of ours converged and nothing declares any more, and remove the files of trees that
    nothing declares. A service that Posthaus never touched is somebody else's, and goes on."""
    _stop(_undeclared(context, wanted) - STOPPED_FIRST)
    keep = [tree.target for tree in every.trees(wanted)]
    if set(context.foreign.targets) - set(keep):
        config.retire(name="Remove files that nothing declares", keep=keep)


def _stop(units: Iterable[str]) -> None:
    for one in host.loop(sorted(units)):
        unit.ended(name=f"Stop {one}, which nothing declared needs", unit=one)


def _undeclared(context: Context, wanted: Iterable[Component]) -> set[str]:
    parts = list(wanted)
    declared = {service.unit for service in every.services(parts)} | {one for part in parts for one in part.keeps_units}
    return set(context.foreign.units) - declared
