"""Who keeps how much mail, and who is logged in."""

from __future__ import annotations

from dataclasses import dataclass, field

from pyinfra.api import FactBase
from typing_extensions import override

from facts.record import Record

STORE = "/var/mail/vhosts"

# A message is a file in new/ or cur/ of a Maildir. Counted on the host: a million messages are two numbers here.
_COMMAND = (
    f"for home in {STORE}/*/*/ /home/*/; do "
    '[ -d "$home/Maildir" ] || continue; printf "mailbox\\t%s\\t" "${home%/}"; '
    'find "$home/Maildir" -type f \\( -path "*/cur/*" -o -path "*/new/*" \\) -printf "%s\\n" | '
    "awk '{ bytes += $1 } END { printf \"%d\\t%.0f\\n\", NR, bytes }'; done; "
    # Without the quota plugin doveadm has no such command: then no mailbox has a limit.
    "doveadm -f tab quota get -A 2>/dev/null | sed 's/^/quota\\t/'; true"
)


@dataclass(frozen=True)
class Usage(Record):
    """One mailbox: ``messages`` in all folders, their ``bytes``, its home ``path``, ``limit`` in bytes (None: none)."""

    messages: int
    bytes: int
    path: str
    limit: int | None = None


class Mailboxes(FactBase[dict[str, Usage]]):
    """``{address: Usage}`` for every mailbox that the store holds, declared or left behind; Unix users by their name.

    ``pyinfra inventory.py fact facts.mailboxes.Mailboxes``
    """

    default = dict

    @override
    def command(self) -> str:
        return _COMMAND

    @override
    def process(self, output: list[str]) -> dict[str, Usage]:
        limits = _limits([line.split("\t")[1:] for line in output if line.startswith("quota\t")])
        mailboxes: dict[str, Usage] = {}
        for line in output:
            if line.startswith("mailbox\t"):
                _, path, messages, size = line.split("\t")
                address = _address(path)
                mailboxes[address] = Usage(int(messages), int(size), path, limits.get(address))
        return dict(sorted(mailboxes.items()))


@dataclass(frozen=True)
class Session(Record):
    """One person's connections by one protocol: how many, and the addresses they come from."""

    login: str
    protocol: str
    connections: int
    addresses: list[str] = field(default_factory=list)


class Sessions(FactBase[list[Session]]):
    """Who is logged in to Dovecot (doveadm-who(1)).

    ``pyinfra inventory.py fact facts.mailboxes.Sessions``
    """

    default = list

    @override
    def requires_command(self) -> str:
        return "doveadm"

    @override
    def command(self) -> str:
        # Where Dovecot does not run nobody is logged in.
        return "doveadm -f tab who 2>/dev/null || true"

    @override
    def process(self, output: list[str]) -> list[Session]:
        rows = [line.split("\t") for line in output if "\t" in line]
        return [Session(row[0], row[2], int(row[1]), row[4].strip("()").split()) for row in rows[1:]]


def _address(path: str) -> str:
    domain, local = path.split("/")[-2:]
    return f"{local}@{domain}" if path.startswith(STORE) else local


def _limits(rows: list[list[str]]) -> dict[str, int]:
    """``{login: bytes}``; doveadm counts storage in kibibytes and writes ``-`` for no limit."""
    storage = [row for row in rows if len(row) > 4 and row[2] == "STORAGE" and row[4] not in ("-", "0")]
    return {row[0]: int(row[4]) * 1024 for row in storage}
