"""What runs for the resolver, and what it must have read: for the run and for verify alike."""

from __future__ import annotations

from deploys.components.unbound.options import DIRECTORY
from operations.service import Service, program


def services() -> tuple[Service, ...]:
    """unbound. A reload keeps old sockets and forwarders."""
    return (Service("unbound.service", restart_on=(DIRECTORY, *program("unbound")), trees=(DIRECTORY,)),)
