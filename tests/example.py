"""Small complete settings for tests, and how to find the reason for a refusal."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SECRET = "hunter2-in-clear"
ARGON2 = "{ARGON2ID}$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g"
SHA512 = "$6$saltsalt$" + "a" * 86
BCRYPT = "$2b$12$" + "b" * 53


def example(**changes):
    """The smallest complete settings, changed; None takes an option away."""
    whole = {
        "hostname": "mail.example.org",
        "domains": ["example.org"],
        "mailboxes": {"alice@example.org": {"password": ARGON2}, "bob@example.org": {"password": ARGON2}},
        **changes,
    }
    return {key: value for key, value in whole.items() if value is not None}


def box(**more):
    return {"password": ARGON2, **more}


def boxes(*addresses):
    return {address: box() for address in addresses}


def about(reasons, key):
    """The one reason that names ``key``."""
    found = [reason for reason in reasons if f" {key}: " in f" {reason}"]
    assert len(found) == 1, reasons
    return found[0]
