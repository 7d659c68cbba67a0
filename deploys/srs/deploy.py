"""SRS: whose letters an alias leads elsewhere."""

from __future__ import annotations

from collections.abc import Iterable

from pyinfra import host
from pyinfra.api import deploy

from deploys.srs import render
from facts.packages import Packages, upstream
from operations import config, unit


def deploy_srs(domains: Iterable[str]) -> tuple[str, str]:
    """postsrsd, on the loopback alone. Returns how Postfix asks it (``render.maps``).

    (Not a pyinfra deploy by itself, for those return nothing.)
    """
    series = _series()
    _run(series=series, domains=list(domains))
    return render.maps(series)


def _series() -> str:
    """The first number of postsrsd's version, installed or to be had."""
    known = host.get_fact(Packages, packages=list(render.packages())).get("postsrsd")
    version = upstream(known.installed or known.candidate, 1) if known else None
    return version if version in render.SERIES else render.SERIES[0]


@deploy("SRS")
def _run(series: str, domains: list[str]) -> None:
    conf = config.tree(
        name="Write the configuration of SRS",
        target=render.target(series),
        files=render.configuration(series, domains),
        validate="sh -n $STAGE/postsrsd" if series == "1" else "true",
        copy=False,
    )
    unit.converge(
        name="Run SRS with it",
        unit="postsrsd.service",
        restart_on=[f"{render.target(series)}/{name}" for name in render.configuration(series, domains)],
        probe=render.running(series),
        after=[conf],
    )
