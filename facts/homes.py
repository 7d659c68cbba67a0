"""Whether the homes of virtual mailboxes hold anything."""

from __future__ import annotations

from pyinfra.api import FactBase, StringCommand
from typing_extensions import override

from facts import lists
from facts.state import RENAMED

# A Sieve script is a person's work as a message is.
_COMMAND = """printf '%s\\n' "$names" | while read -r home; do
if [ -L "$home" ]; then echo "link $home"
elif [ -d "$home" ]; then
one=$(find "$home" -type f \\( -path '*/cur/*' -o -path '*/new/*' -o -path "$home/sieve/*.sieve" \\) -print -quit)
[ -n "$one" ] && echo "full $home" || echo "empty $home"
fi
done; true"""


class Homes(FactBase[dict[str, str]]):
    """``{home: "full", "empty" or "link"}`` of those that are there.

    ``pyinfra inventory.py fact facts.homes.Homes homes='["/var/mail/vhosts/example.com/tito"]'``
    """

    default = dict

    @override
    def command(self, homes: list[str]) -> StringCommand:
        return StringCommand(lists.lines(homes), _COMMAND)

    @override
    def process(self, output: list[str]) -> dict[str, str]:
        return {home: state for state, _, home in (line.partition(" ") for line in output)}


class Renaming(FactBase[list[str]]):
    """Homes, former and present, of mailboxes that a run was renaming when it died: noted before anything moved.

    ``pyinfra inventory.py fact facts.homes.Renaming``
    """

    default = list

    @override
    def command(self) -> str:
        return f"[ ! -e {RENAMED} ] || cat {RENAMED}"

    @override
    def process(self, output: list[str]) -> list[str]:
        return sorted(set(output))
