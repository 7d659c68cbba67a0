"""A text file of the host, row by row, without its secrets; and how many messages lie in homes."""

from __future__ import annotations

import inspect
from collections.abc import Sequence

from pyinfra.api import FactBase, QuoteString, StringCommand
from typing_extensions import override

from facts import lists, redact
from facts.mailboxes import STORE

_PROGRAM = inspect.getsource(redact)
# A message is a file in new/ or cur/ of a Maildir; %H is the Maildir that the search began in.
_COUNT = (
    'sh -c \'find "$@" -type f \\( -path "*/cur/*" -o -path "*/new/*" \\) -printf "%H\\n" 2>/dev/null\' count'
    " | LC_ALL=C sort | uniq -c; true"
)


class Rows(FactBase[str]):
    """The text of the file ``path``; what group 1 of the pattern ``hides`` matches in a row is told as a digest.

    ``pyinfra inventory.py fact facts.rows.Rows path=/etc/postfix/posthaus/aliases``
    """

    default = str

    @override
    def requires_command(self, path: str, hides: str = "") -> str:
        return "python3"

    @override
    def command(self, path: str, hides: str = "") -> StringCommand:
        return StringCommand("python3 -I -c", *map(QuoteString, (_PROGRAM, path, hides)), "; true")

    @override
    def process(self, output: list[str]) -> str:
        return "".join(f"{line}\n" for line in output)


class Messages(FactBase[dict[str, int]]):
    """``{address: messages}`` in all folders of mailboxes that hold any, of the asked ``addresses``; where the messages
    lie in Unix users' homes, of ``users`` (their names).

    ``pyinfra inventory.py fact facts.rows.Messages addresses='["iqbal@example.com"]'``
    """

    default = dict

    @override
    def command(self, addresses: Sequence[str] = (), users: Sequence[str] = ()) -> StringCommand:
        homes = [f"{STORE}/{domain}/{local}" for local, _, domain in (one.rpartition("@") for one in addresses)]
        return StringCommand(
            lists.lines([*(f"{home}/Maildir" for home in homes), *(f"/home/{user}/Maildir" for user in users)]),
            lists.each(_COUNT),
        )

    @override
    def process(self, output: list[str]) -> dict[str, int]:
        rows = (line.split(None, 1) for line in output if line.strip())
        return {_owner(path.rpartition("/")[0]): int(count) for count, path in rows}


def _owner(home: str) -> str:
    domain, local = home.split("/")[-2:]
    return f"{local}@{domain}" if home.startswith(f"{STORE}/") else local
