"""MTA-STS: how other domains want their letters brought."""

from __future__ import annotations

from pyinfra.api import deploy

from deploys.resolver.settings import FOR_POSTFIX, RESOLV_CONF
from deploys.sts import render
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
    unit.converge(
        name="Run the MTA-STS resolver with it",
        unit=render.UNIT,
        restart_on=[TARGET, f"{render.UNITS}/{render.DROP_IN}", FOR_POSTFIX],
        sees=(RESOLV_CONF, FOR_POSTFIX),
        trees=[TARGET],
        probe=render.running(),
        after=[conf],
    )
