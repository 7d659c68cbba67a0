"""What runs for the webmail, and what it must have read: for the run and for verify alike."""

from __future__ import annotations

from deploys.components.squirrelmail.render import CONFIGURATION, HOME
from operations.service import Service, program


def services(php: str) -> tuple[Service, ...]:
    """PHP ``php`` (such as ``8.2``). A reload also forgets where SquirrelMail's link led."""
    target = f"/etc/php/{php}/fpm"
    return (
        Service(
            f"php{php}-fpm.service",
            reload_on=(target, CONFIGURATION, HOME),
            restart_on=program(*(f"php{php}-{part}" for part in ("fpm", "common", "mbstring", "opcache"))),
            trees=(target, CONFIGURATION),
        ),
    )
