"""Sieve: what people's scripts send."""

from __future__ import annotations

from pyinfra.api import deploy

from deploys.sieve import render
from operations import unit


@deploy("Sieve")
def deploy_sieve() -> None:
    """The socket that Dovecot knocks at for whatever a script sends. (Its programs lie among Dovecot's files.)"""
    unit.converge(
        name="Take what people's Sieve scripts send",
        unit=render.SOCKET,
        restart_on=[f"/etc/systemd/system/{render.SOCKET}"],
        probe="test -S /run/posthaus-sieve/socket",
    )
