"""Numbers for Prometheus: what the host sees when it looks at itself, every five minutes, by Debian's node_exporter."""

from __future__ import annotations

from deploys.components.component import UNITS, Component, Context, Listener, Local, Run
from deploys.components.metrics import render
from deploys.components.metrics.options import PORT, Metrics
from facts.watch import PROGRAM
from operations.service import Service, program

PACKAGE = "prometheus-node-exporter"
EXPORTER = Service(render.EXPORTER, restart_on=(f"{UNITS}/{render.DROP_IN}", *program(PACKAGE)))
WRITER = Service(render.TIMER, restart_on=(f"{UNITS}/{render.TIMER}", f"{UNITS}/{render.SERVICE}"), trees=(PROGRAM,))
WHAT = "numbers of the host and the mail server"
_PROBE = f'import urllib.request as http; http.urlopen("http://127.0.0.1:{PORT}/metrics", timeout=20).read()'


def component(context: Context) -> Component | None:
    """The exporter and the timer that has its files written. Dovecot and rspamd are asked by that program, at their
    own endpoints: their components say where."""
    metrics = context.mail.metrics
    if not metrics:
        return None
    return Component(
        "Metrics",
        packages=(PACKAGE,),
        units=render.units(metrics),
        auto_restart=(render.EXPORTER,),
        steps=(
            Run("Tell numbers to Prometheus", EXPORTER, f"python3 -I -c '{_PROBE}'"),
            Run("Have numbers written every five minutes", WRITER),
        ),
        listens=_world(metrics),
        processes=("prometheus-node",),
        local=() if metrics.networks else (Local(f"127.0.0.1:{PORT}", f"{WHAT}, to a Prometheus"),),
    )


def ended() -> tuple[str, ...]:
    """Without its files the exporter would listen at all addresses, and the timer start what is not there: both are
    stopped while they are there."""
    return (render.EXPORTER, render.TIMER)


def _world(metrics: Metrics) -> tuple[Listener, ...]:
    return (Listener(PORT, None, WHAT, metrics.networks),) if metrics.networks else ()
