"""Sieve: what people's scripts send."""

from __future__ import annotations

from pyinfra.api import deploy

from deploys.components.sieve.services import services
from operations import unit


@deploy("Sieve")
def deploy_sieve() -> None:
    """The socket that Dovecot knocks at for whatever a script sends. (Its programs lie among Dovecot's files.)"""
    (service,) = services()
    unit.converge(
        name="Run the service for Sieve scripts' messages",
        probe="test -S /run/posthaus-sieve/socket || exit 75",
        **service.question,
    )
