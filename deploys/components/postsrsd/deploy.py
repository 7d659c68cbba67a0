"""SRS: whose messages an alias leads elsewhere."""

from __future__ import annotations

from collections.abc import Iterable

from pyinfra.api import deploy

from deploys.components.postsrsd import render
from deploys.components.postsrsd.services import services
from operations import config, unit


def deploy_srs(domains: Iterable[str], series: str) -> tuple[str, str]:
    """postsrsd of that ``series`` (facts.machine), on loopback alone. Returns how Postfix asks it (``render.maps``).

    (Not a pyinfra deploy by itself, for those return nothing.)
    """
    known = render.known(series)
    _run(series=known, domains=list(domains))
    return render.maps(known)


@deploy("SRS")
def _run(series: str, domains: list[str]) -> None:
    conf = config.tree(
        name="Write postsrsd's configuration",
        target=render.target(series),
        files=render.configuration(series, domains),
        validate="sh -n $STAGE/postsrsd" if series == "1" else "true",
        copy=False,
    )
    (service,) = services(series)
    unit.converge(
        name="Run postsrsd with it",
        probe=render.running(series),
        after=[conf],
        **service.question,
    )
