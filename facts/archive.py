"""Program trees that archive.unpack installed: which version is in use, and whether somebody changed it since."""

from __future__ import annotations

from dataclasses import dataclass

from pyinfra.api import FactBase, QuoteString, StringCommand
from typing_extensions import override

from facts.record import Record

STAMP = ".posthaus"  # a file in the tree, the last one written: it names the version, and its time is the tree's


@dataclass(frozen=True)
class Tree(Record):
    """``stamp``: the version in use (None: none of ours); ``changed``: a path that somebody changed afterwards.
    ``foreign``: what is there is no link, so that it is somebody else's."""

    stamp: str | None = None
    changed: str | None = None
    foreign: bool = False

    def is_version(self, stamp: str) -> bool:
        """The tree is that version, untouched."""
        return self.stamp == stamp and self.changed is None


class Unpacked(FactBase[Tree]):
    """The tree behind the symbolic link ``target``, in one command.

    ``pyinfra inventory.py fact facts.archive.Unpacked target=/usr/share/squirrelmail``
    """

    default = Tree

    @override
    def command(self, target: str) -> StringCommand:
        return StringCommand(
            StringCommand("t=", QuoteString(target), ";", _separator=""),
            f'if [ -L "$t" ] && [ -f "$t/{STAMP}" ]; then sed "s/^/stamp /" "$t/{STAMP}";',
            f'find "$t/" -newermm "$t/{STAMP}" -printf \'changed %P\\n\' -quit;',
            'elif [ -e "$t" ] && [ ! -L "$t" ]; then echo "foreign $t"; fi',
        )

    @override
    def process(self, output: list[str]) -> Tree:
        words = dict(line.split(" ", 1) for line in output)
        return Tree(words.get("stamp"), words.get("changed"), "foreign" in words)
