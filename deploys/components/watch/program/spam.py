"""What rspamd has seen and learned, and whether it answers (its controller's /stat)."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from typing import Any

from deploys.components.watch.program.endpoints import fetched
from deploys.components.watch.program.measures import Measure
from deploys.result import Check, CheckResult

GROUP = "filter"
_ACTIONS = {"reject": "refused", "add header": "to Junk", "greylist": "put off"}
REMEDY = "systemctl restart rspamd; until it answers, Postfix takes no message (451), and senders try again"


def rspamd(controller: str) -> Iterator[CheckResult | Measure]:
    """``controller``: the path of its Unix socket."""
    about = Check("filter", GROUP, "rspamd", "answers")
    try:
        told = json.loads(fetched(controller, "/stat"))
    except (OSError, http.client.HTTPException, ValueError) as why:
        yield about.result(f"does not answer: {why}", False, REMEDY)
        yield Measure("filter_up", 0)
        return
    yield about.result(counts(told), True)
    yield from measures(told)


def counts(told: dict[str, Any]) -> str:
    """Since rspamd's start: messages scanned, refused and filed as spam; and messages learned from."""
    parts = [f"{told.get('scanned', 0):,} messages since it started"]
    parts += [f"{_done(told, action):,} {word}" for action, word in _ACTIONS.items()]
    return ", ".join(parts) + "".join(f"; {number:,} learned as {word}" for word, number in _learned(told))


def measures(told: dict[str, Any]) -> Iterator[Measure]:
    """The same as numbers."""
    yield Measure("filter_up", 1)
    yield Measure("filter_scanned_total", told.get("scanned", 0))
    for action in _ACTIONS:
        yield Measure("filter_messages_total", _done(told, action), {"action": action.replace(" ", "_")})
    for kind, number in _learned(told):
        yield Measure("filter_learned_total", number, {"as": kind})


def _done(told: dict[str, Any], action: str) -> int:
    return int(told.get("actions", {}).get(action, 0))


def _learned(told: dict[str, Any]) -> list[tuple[str, int]]:
    learned = {one.get("symbol"): one.get("revision", 0) for one in told.get("statfiles", ())}
    return [(word, learned[name]) for name, word in (("BAYES_SPAM", "spam"), ("BAYES_HAM", "ham")) if name in learned]
