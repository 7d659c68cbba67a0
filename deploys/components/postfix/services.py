"""What runs for Postfix, and what it must have read: for the run and for verify alike."""

from __future__ import annotations

from deploys.components.postfix.render import DIRECTORY, RESTART_PARAMETERS
from deploys.components.tls.options import Tls
from deploys.components.unbound.options import FOR_POSTFIX, RESOLV_CONF
from operations.service import Service, program


def services(tls: Tls, resolves: bool) -> tuple[Service, ...]:
    """Postfix. ``tls``: whose certificates it serves; ``resolves``: it asks the host's own resolver."""
    return (
        Service(
            "postfix.service",
            instance="postfix@-.service",  # Debian 12 runs it behind a wrapper
            reload_on=(DIRECTORY, *tls.directories),
            restart_on=(
                f"{DIRECTORY}/{RESTART_PARAMETERS}",
                *((FOR_POSTFIX,) if resolves else ()),
                *program("postfix"),
            ),
            sees=(RESOLV_CONF, FOR_POSTFIX if resolves else RESOLV_CONF),
            trees=(DIRECTORY,),
        ),
    )
