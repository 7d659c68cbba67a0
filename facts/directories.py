"""Owner and mode of directories."""

from __future__ import annotations

from pyinfra.api import StringCommand
from typing_extensions import override

from facts import lists
from facts.many import Asked, Many

Directory = tuple[str, str, str]  # mode, user, group


class Directories(Many[dict[str, Directory]]):
    """``{path: (mode, user, group)}`` of those paths that are directories; a link to one counts as the directory.

    ``pyinfra inventory.py fact facts.directories.Directories paths='["/var/mail"]'``
    """

    default = dict
    kinds: tuple[str, ...] = ("directory",)  # as stat(1) calls them

    @override
    def command(self, paths: list[str]) -> StringCommand:
        return self.alone(paths=paths)

    @override
    @classmethod
    def together(cls, asked: Asked) -> StringCommand:
        paths = dict.fromkeys(path for one in asked for path in one["paths"])
        return StringCommand(lists.lines(paths), lists.each("stat -Lc '%F|%a|%U|%G|%n' --"), "2>/dev/null; true")

    @override
    @classmethod
    def apart(cls, asked: Asked, output: list[str]) -> list[dict[str, Directory]]:
        rows = (line.split("|", 4) for line in output)
        there = {path: (mode.zfill(4), user, group) for kind, mode, user, group, path in rows if kind in cls.kinds}
        return [{path: there[path] for path in one["paths"] if path in there} for one in asked]
