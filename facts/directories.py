"""Owner and mode of directories."""

from __future__ import annotations

from pyinfra.api import FactBase, StringCommand
from typing_extensions import override

from facts import lists


class Directories(FactBase[dict[str, tuple[str, str, str]]]):
    """``{path: (mode, user, group)}`` of those paths that are directories; a link to one counts as the directory.
    Many stand on standard input, a line each.

    ``pyinfra inventory.py fact facts.directories.Directories paths='["/var/mail"]'``
    """

    default = dict

    @override
    def command(self, paths: list[str] | None = None) -> StringCommand:
        return StringCommand(lists.read(paths), lists.each("stat -Lc '%F|%a|%U|%G|%n' --"), "2>/dev/null; true")

    @override
    def process(self, output: list[str]) -> dict[str, tuple[str, str, str]]:
        rows = (line.split("|", 4) for line in output)
        return {path: (mode.zfill(4), user, group) for kind, mode, user, group, path in rows if kind == "directory"}
