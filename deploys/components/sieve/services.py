"""What runs for people's Sieve scripts, and what it must have read: for the run and for verify alike."""

from __future__ import annotations

from deploys.components.sieve.render import SOCKET
from operations.service import Service


def services() -> tuple[Service, ...]:
    """The socket that Dovecot knocks at; what answers there is started anew for each message."""
    return (Service(SOCKET, restart_on=(f"/etc/systemd/system/{SOCKET}",)),)
