"""What runs for Dovecot, and what it must have read: for the run and for verify alike."""

from __future__ import annotations

from deploys.dovecot.render import DIRECTORY
from deploys.tls.settings import Tls
from operations.service import Service


def services(tls: Tls) -> tuple[Service, ...]:
    """Dovecot. ``tls``: whose certificates it serves."""
    return (Service("dovecot.service", reload_on=(DIRECTORY, *tls.directories), trees=(DIRECTORY,)),)
