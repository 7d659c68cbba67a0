"""Messages that Postfix holds back, by the login that handed them in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from pyinfra.api import FactBase, QuoteString, StringCommand
from typing_extensions import override

from facts import shell
from facts.record import Record

PROGRAM = shell.text("held.sh")  # defines held()
NOBODY = "-"  # in the place of a login


@dataclass(frozen=True)
class Held(Record):
    """What is held of one login: so many messages, recipients of all together, and when (UTC) the oldest arrived."""

    messages: int
    recipients: int
    oldest: datetime


class HeldMessages(FactBase[dict[str, Held]]):
    """By login; under ``-`` what nobody handed in after a login.

    ``pyinfra inventory.py fact facts.held.HeldMessages``
    """

    default = dict

    @override
    def requires_command(self) -> str:
        return "postqueue"

    @override
    def command(self) -> StringCommand:
        return StringCommand("sh", "-c", QuoteString(f"{PROGRAM}\nheld"))

    @override
    def process(self, output: list[str]) -> dict[str, Held]:
        rows = [line.split("\t") for line in output if line.count("\t") == 3]
        return {
            login: _together([row for row in rows if row[0] == login]) for login in sorted({row[0] for row in rows})
        }


def _together(rows: list[list[str]]) -> Held:
    oldest = min(int(row[2]) for row in rows)
    return Held(len(rows), sum(int(row[3]) for row in rows), datetime.fromtimestamp(oldest, UTC))
