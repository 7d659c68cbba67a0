"""The host's certificate as it is when its time is over: the same names and key, signed by the same CA."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.on_host.chaos.world import World

DIRECTORY = "/etc/ssl/posthaus"


def expired(world: World, chance: random.Random) -> None:
    """Put one that ended yesterday where the host's lies. Nobody reads it before a reload."""
    old = x509.load_pem_x509_certificate(world.host.read(f"{DIRECTORY}/ca/leaf.pem"))
    key = serialization.load_pem_private_key(world.host.read(f"{DIRECTORY}/ca/ca.key"), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(old.issuer, old.subject, old.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=90))
        .not_valid_after(now - timedelta(days=1))
    )
    for extension in old.extensions:
        made = made.add_extension(extension.value, extension.critical)
    leaf = made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    world.host.write(f"{DIRECTORY}/ca/leaf.pem", leaf)
    world.host.write(f"{DIRECTORY}/fullchain.pem", leaf + world.host.read(f"{DIRECTORY}/ca/ca.pem"))
