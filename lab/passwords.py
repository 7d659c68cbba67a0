"""Passwords and the hashes of them that mail.yaml takes."""

from __future__ import annotations

import secrets

from argon2 import PasswordHasher

# The least that OWASP recommends for Argon2id: a log-in costs 19 MiB and some 20 ms on a small server.
HASHER = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)
ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"  # nothing that a person could mistake when reading it off a screen


def random_password() -> str:
    """Four groups of four, some 80 bits: to be read off a screen and typed."""
    return "-".join("".join(secrets.choice(ALPHABET) for _ in range(4)) for _ in range(4))


def hashed(password: str) -> str:
    """The hash in the form that Dovecot reads, scheme first."""
    return "{ARGON2ID}" + HASHER.hash(password)
