"""MTA-STS: how other domains want their messages brought."""

from __future__ import annotations

from pyinfra.api import deploy

from deploys.components.mta_sts import render
from deploys.components.mta_sts.services import services
from operations import config, unit

TARGET = render.DIRECTORY


@deploy("MTA-STS")
def deploy_sts() -> None:
    """The resolver of policies, on the loopback alone, led to the host's own resolver of names."""
    conf = config.tree(
        name="Write the configuration of the MTA-STS resolver",
        target=TARGET,
        files=render.configuration(),
        validate="python3 -I -B $STAGE/daemon.py --check $STAGE/mta-sts-daemon.yml",
    )
    (service,) = services()
    unit.converge(
        name="Run the MTA-STS resolver with it",
        probe=render.running(),
        after=[conf],
        **service.question,
    )
