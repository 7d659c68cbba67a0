"""golden/mail.yaml as a MailServer, and the files beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from deploys.config.mailserver import MailServer

GOLDEN = Path(__file__).parent / "golden"
SECRET = ' it\'s "100%" {of} #it\\:é $HOME'  # what quoting mistakes trip over


def golden(path: str) -> str:
    """The text of the golden file at ``path``."""
    return (GOLDEN / path).read_text(encoding="utf-8")


def golden_server(monkeypatch: Any, **changes: Any) -> MailServer:
    """The server of golden/mail.yaml, with top-level options changed; None takes an option away."""
    monkeypatch.setenv("POSTHAUS_TEST_SECRET", SECRET)
    settings = {**yaml.safe_load(golden("mail.yaml")), **changes}
    return MailServer.read({word: value for word, value in settings.items() if value is not None})
