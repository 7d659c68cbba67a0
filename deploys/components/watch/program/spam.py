"""What rspamd has seen and learned, and whether it answers (its controller's /stat)."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterator
from typing import Any

from deploys.result import Check, CheckResult

GROUP = "filter"
SECONDS = 5
REMEDY = "systemctl restart rspamd; until it answers, Postfix takes no message (451), and senders try again"


def rspamd(controller: str) -> Iterator[CheckResult]:
    """``controller``: the path of its Unix socket."""
    about = Check("filter", GROUP, "rspamd", "answers")
    try:
        yield about.result(counts(_asked(controller)), True)
    except (OSError, http.client.HTTPException, ValueError) as why:
        yield about.result(f"does not answer: {why}", False, REMEDY)


def _asked(controller: str) -> dict[str, Any]:
    connection = http.client.HTTPConnection("localhost", timeout=SECONDS)
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.settimeout(SECONDS)
    connection.sock.connect(controller)
    connection.request("GET", "/stat")
    answer = connection.getresponse()
    if answer.status != http.HTTPStatus.OK:
        raise ValueError(f"{answer.status} {answer.reason}")
    found: dict[str, Any] = json.loads(answer.read())
    return found


def counts(told: dict[str, Any]) -> str:
    """Since rspamd's start: messages scanned, refused and filed as spam; and messages learned from."""
    actions = told.get("actions", {})
    parts = [f"{told.get('scanned', 0):,} messages since it started"]
    for action, word in (("reject", "refused"), ("add header", "to Junk"), ("greylist", "put off")):
        parts.append(f"{actions.get(action, 0):,} {word}")
    learned = {one.get("symbol"): one.get("revision", 0) for one in told.get("statfiles", ())}
    known = [(word, learned[name]) for name, word in (("BAYES_SPAM", "spam"), ("BAYES_HAM", "ham")) if name in learned]
    return ", ".join(parts) + "".join(f"; {number:,} learned as {word}" for word, number in known)
