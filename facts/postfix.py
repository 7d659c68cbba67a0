"""What waits in Postfix's queue."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime

from pyinfra.api import FactBase
from typing_extensions import override

from facts.record import Record


@dataclass(frozen=True)
class QueuedMessage(Record):
    """One message that waits: ``queue`` as postqueue(1) names it, ``arrived`` in UTC, ``size`` in bytes,
    ``recipients`` with the reason why each waits (empty: it is simply its turn next)."""

    queue: str
    identifier: str
    arrived: datetime
    size: int
    sender: str
    recipients: dict[str, str]


class PostfixQueue(FactBase[list[QueuedMessage]]):
    """All messages in the queue, oldest first.

    ``pyinfra inventory.py fact facts.postfix.PostfixQueue``
    """

    default = list

    @override
    def requires_command(self) -> str:
        return "postqueue"

    @override
    def command(self) -> str:
        return "postqueue -j"

    @override
    def process(self, output: list[str]) -> list[QueuedMessage]:
        messages = [_message(json.loads(line)) for line in output if line.startswith("{")]
        return sorted(messages, key=lambda message: (message.arrived, message.identifier))


def _message(entry: dict) -> QueuedMessage:
    return QueuedMessage(
        queue=entry["queue_name"],
        identifier=entry["queue_id"],
        arrived=datetime.fromtimestamp(entry["arrival_time"], UTC),
        size=entry["message_size"],
        sender=entry["sender"],
        recipients={one["address"]: one.get("delay_reason", "") for one in entry["recipients"]},
    )
