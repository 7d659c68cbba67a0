"""What runs for MTA-STS, and what it must have read: for the run and for verify alike."""

from __future__ import annotations

from deploys.components.mta_sts.render import DIRECTORY, DROP_IN, UNIT, UNITS
from deploys.components.unbound.options import FOR_POSTFIX, RESOLV_CONF
from operations.service import Service


def services() -> tuple[Service, ...]:
    """The resolver of policies."""
    return (
        Service(
            UNIT,
            restart_on=(DIRECTORY, f"{UNITS}/{DROP_IN}", FOR_POSTFIX),
            sees=(RESOLV_CONF, FOR_POSTFIX),
            trees=(DIRECTORY,),
        ),
    )
