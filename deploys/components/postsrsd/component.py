"""postsrsd (SRS): the envelope sender of what an alias leads elsewhere."""

from __future__ import annotations

from functools import partial

from deploys.components.component import Component, Context, Local, Run, State, Tree
from deploys.components.postsrsd import render
from deploys.components.postsrsd.options import known, ports
from operations.service import Service, program


def service(series: str) -> Service:
    """postsrsd of that ``series`` ("1", "2"). Its target is a directory of many programs: only its own file counts."""
    files = render.configuration(series, ["example.com"])
    target = render.target(series)
    return Service(
        "postsrsd.service",
        restart_on=(*(f"{target}/{name}" for name in files), *program("postsrsd")),
        trees=(target,),
    )


def component(context: Context) -> Component | None:
    """postsrsd on loopback alone, where some alias or catch-all leads to another server."""
    if not context.mail.forwards:
        return None
    series = known(context.machine.srs_series)
    return Component(
        "postsrsd",
        packages=render.packages(),
        auto_restart=("postsrsd.service",),
        steps=(
            Tree(
                "Write postsrsd's configuration",
                render.target(series),
                partial(render.configuration, series, context.mail.domains),
                validate="sh -n $STAGE/postsrsd" if series == "1" else "true",
                copy=False,
                shared=True,
            ),
            Run("Run postsrsd with its configuration", service(series), render.running(series)),
        ),
        local=tuple(
            Local(f"127.0.0.1:{port}", "senders of messages that are sent on, to Postfix") for port in ports(series)
        ),
        state=(State(render.SECRET, "the key of rewritten senders"),),
    )
