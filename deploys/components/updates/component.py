"""Security updates of the release by night, and a start of what runs replaced programs, at a declared time of day."""

from __future__ import annotations

from functools import partial

from deploys.components.component import UNITS, Component, Context, Run, Tree
from deploys.components.updates import render
from operations.service import Service


def component(context: Context) -> Component | None:
    """unattended-upgrades and needrestart, which the release keeps; the hour is apt's own timers'.

    Dovecot's and Postfix's configuration is written for one series of theirs: another one never comes by night.
    """
    updates, machine = context.mail.updates, context.machine
    if not updates:
        return None
    timers = (render.FETCH, render.INSTALL)
    series = {"dovecot": machine.dovecot_series, "postfix": machine.version_of("postfix") or ""}
    return Component(
        "Updates",
        packages=("unattended-upgrades", "needrestart"),
        units=render.units(updates),
        steps=(
            Tree(
                "Write which updates come by themselves",
                render.APT,
                partial(render.apt, updates),
                validate=f"apt-config -c $STAGE/{render.APT_FILE} dump >/dev/null",
                shared=True,
            ),
            Tree(
                "Write which series stay",
                render.OURS,
                partial(render.ours, series),
                validate=f"apt-cache -o Dir::Etc::preferences=$STAGE/{render.SERIES_FILE} policy >/dev/null",
            ),
            *(
                Run(f"Run {timer} at its time", Service(timer, restart_on=(f"{UNITS}/{timer}.d/{render.DROP_IN}",)))
                for timer in timers
            ),
        ),
    )
