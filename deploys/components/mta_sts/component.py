"""MTA-STS: how other domains want their messages brought."""

from __future__ import annotations

from deploys.components.component import UNITS, Component, Context, Local, Run, Tree
from deploys.components.mta_sts import render
from deploys.components.mta_sts.options import PORT
from deploys.components.unbound.options import FOR_POSTFIX, RESOLV_CONF
from operations.service import Service

SERVICE = Service(
    render.UNIT,
    restart_on=(render.DIRECTORY, f"{UNITS}/{render.DROP_IN}", FOR_POSTFIX),
    sees=(RESOLV_CONF, FOR_POSTFIX),
    trees=(render.DIRECTORY,),
)


def component(context: Context) -> Component | None:
    """The resolver of policies, on the loopback alone, which asks the host's own resolver."""
    if not context.mail.tls_policies:
        return None
    return Component(
        "MTA-STS",
        packages=render.packages(),
        units=render.units(),
        steps=(
            Tree(
                "Write the configuration of the MTA-STS resolver",
                render.DIRECTORY,
                render.configuration,
                validate="python3 -I -B $STAGE/daemon.py --check $STAGE/mta-sts-daemon.yml",
            ),
            Run("Run the MTA-STS resolver with its configuration", SERVICE, render.running()),
        ),
        local=(Local(f"127.0.0.1:{PORT}", "other domains' policies, to Postfix"),),
    )
