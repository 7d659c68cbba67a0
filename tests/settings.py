"""The mail.yaml of tests, small and whole, and how to find the reason for a refusal. Those of hosts: tests/on_host."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from deploys.config.mailserver import MailServer

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


def server(**changes: Any) -> MailServer:
    """The server of the smallest mail.yaml at example.com, changed."""
    small = {
        "hostname": "mail.example.com",
        "domains": ["example.com"],
        "mailboxes": {"tito@example.com": {"password": BCRYPT}},
    }
    return MailServer.read({**small, **changes})


# --- one server of two domains, and one moment, for verify

NOW = datetime(2026, 11, 25, 4, 0, tzinfo=UTC)
NAMES = ("mail.example.com", "webmail.example.com")


def mail(**changes: Any) -> MailServer:
    """``server`` with two domains."""
    two = {"domains": ["example.com", "example.net"], "webmail": {"hostname": "webmail.example.com"}}
    return server(**{**two, **changes})


# --- golden/mail.yaml, and the files beside it

GOLDEN = Path(__file__).parent / "golden"
HARD_SECRET = ' it\'s "100%" {of} #it\\:é $HOME'  # what quoting mistakes trip over


def golden(path: str) -> str:
    """The text of the golden file at ``path``."""
    return (GOLDEN / path).read_text(encoding="utf-8")


def golden_server(monkeypatch: Any, **changes: Any) -> MailServer:
    """The server of golden/mail.yaml, with top-level options changed; None takes an option away."""
    monkeypatch.setenv("POSTHAUS_TEST_SECRET", HARD_SECRET)
    settings = {**yaml.safe_load(golden("mail.yaml")), **changes}
    return MailServer.read({option: value for option, value in settings.items() if value is not None})
