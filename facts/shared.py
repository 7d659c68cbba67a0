"""Which mailboxes several people share, and with what rights (RFC 4314)."""

from __future__ import annotations

from dataclasses import dataclass, field

from pyinfra.api import FactBase, StringCommand
from typing_extensions import override

from facts import lists
from facts.record import Record
from facts.state import ROOT

MEMORY = f"{ROOT}/shared-mailboxes"  # those that a run has made so, a line each: address, home, members
# Of all folders of a mailbox what is said of them, each once: mostly that is one thing.
_COMMAND = f"""sed 's/^/made /' {MEMORY} 2>/dev/null
printf '%s\\n' "$names" | while read -r home; do
for folder in "$home/Maildir" "$home"/Maildir/.[!.]*; do
[ -d "$folder/cur" ] || continue
echo "rights $home $(sort "$folder/dovecot-acl" 2>/dev/null | tr '\\n' ',')"
done | sort -u
done; true"""


@dataclass(frozen=True)
class Made(Record):
    """A mailbox that was shared: its ``home``, and the members who were told of it."""

    home: str
    members: tuple[str, ...]


@dataclass(frozen=True)
class SharedOnHost(Record):
    """``made``: by address, what a run did; ``rights``: by home, each different content of a folder's dovecot-acl, its
    lines sorted."""

    made: dict[str, Made] = field(default_factory=dict)
    rights: dict[str, set[tuple[str, ...]]] = field(default_factory=dict)


class Shared(FactBase[SharedOnHost]):
    """How the mailboxes that lie in ``homes`` are shared.

    ``pyinfra inventory.py fact facts.shared.Shared homes='["/var/mail/vhosts/example.com/info"]'``
    """

    default = SharedOnHost

    @override
    def command(self, homes: list[str]) -> StringCommand:
        return StringCommand(lists.lines(homes), _COMMAND)

    @override
    def process(self, output: list[str]) -> SharedOnHost:
        found = SharedOnHost()
        for line in output:
            kind, first, rest = (*line.split(" ", 2), "")[:3]
            if kind == "made":
                home, _, members = rest.partition(" ")
                found.made[first] = Made(home, tuple(members.split(",")))
            elif kind == "rights":
                found.rights.setdefault(first, set()).add(tuple(filter(None, rest.split(","))))
        return found
