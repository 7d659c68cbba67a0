"""Random passwords that a person can type; deploys/config/password.py hashes them as an operator would."""

from __future__ import annotations

import secrets

from deploys.config.password import argon2 as hashed

__all__ = ["hashed", "random_password"]
ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"  # nothing that a person could mistake when reading it off a screen


def random_password() -> str:
    """Four groups of four, some 80 bits: to be read off a screen and typed."""
    return "-".join("".join(secrets.choice(ALPHABET) for _ in range(4)) for _ in range(4))
