"""What runs for Apache, and what it must have read: for the run and for verify alike."""

from __future__ import annotations

from deploys.components.apache.render import EARLY, LOAD, SITES, TARGET
from deploys.components.tls.options import Tls
from operations.service import Service, program


def services(tls: Tls | None) -> tuple[Service, ...]:
    """Apache. ``tls``: whose certificates it serves. A reload can neither change the MPM nor take all modules."""
    further = [path(name) for name in tls.sni for path in (tls.chain_of, tls.key_of)] if tls else []
    certificates = (tls.chain_path, tls.key_path, *further) if tls else ()
    return (
        Service(
            "apache2.service",
            restart_on=(
                *(f"{TARGET}/{path}" for path in ("apache2.conf", SITES, EARLY, LOAD)),
                *program("apache2", "apache2-bin"),
            ),
            reload_on=(f"{TARGET}/local.conf", *certificates),
            trees=(TARGET,),
        ),
    )
