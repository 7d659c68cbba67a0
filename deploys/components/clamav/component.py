"""ClamAV: viruses are refused, where ``filter.antivirus`` asks for it."""

from __future__ import annotations

from deploys.components.clamav import render
from deploys.components.clamav.options import SOCKET
from deploys.components.component import UNITS, Component, Context, Local, Run
from operations.service import Service

SERVICE = Service(render.UNIT, restart_on=(f"{UNITS}/{render.UNIT}",), brings=(render.FETCHER, render.SCANNER))


def component(context: Context) -> Component | None:
    """ClamAV as Debian has it, tied to one unit of ours."""
    mail = context.mail
    if not (mail.filter and mail.filter.antivirus):
        return None
    return Component(
        "ClamAV",
        packages=render.PACKAGES,
        units=render.units(),
        auto_restart=(render.SCANNER, render.FETCHER),
        steps=(Run("Run ClamAV as soon as it has signatures", SERVICE),),
        local=(Local(SOCKET, "whether a message holds a virus, to rspamd"),),
    )


def ended() -> tuple[str, ...]:
    """The unit that says by its file what stops with it, so it is stopped while that file is there."""
    return (render.UNIT,)
