"""What runs for Dovecot, and what it must have read: for the run and for verify alike."""

from __future__ import annotations

from deploys.components.dovecot.render import DIRECTORY
from deploys.components.tls.options import Tls
from operations.service import Service, program

PACKAGES = tuple(f"dovecot-{part}" for part in ("core", "imapd", "lmtpd", "managesieved", "pop3d", "sieve"))


def services(tls: Tls) -> tuple[Service, ...]:
    """Dovecot. ``tls``: whose certificates it serves."""
    return (
        Service(
            "dovecot.service",
            reload_on=(DIRECTORY, *tls.directories),
            restart_on=program(*PACKAGES),  # a master of before knows no protocol that has come with a new package
            trees=(DIRECTORY,),
        ),
    )
