"""The webmail that is installed."""

from __future__ import annotations

from dataclasses import dataclass

from pyinfra.api import FactBase
from typing_extensions import override

from facts.archive import STAMP
from facts.record import Record


@dataclass(frozen=True)
class Installed(Record):
    """``checksum``: the git commit (or the archive's SHA-256) that the tree is; ``version``: what it calls itself."""

    checksum: str
    version: str


class SquirrelMail(FactBase[Installed | None]):
    """Commit and version of the SquirrelMail in use; None where there is none of ours.

    ``pyinfra inventory.py fact facts.squirrelmail.SquirrelMail``
    """

    @override
    def command(self, home: str = "/usr/share/squirrelmail") -> str:
        # 1.5.2 defines SM_VERSION in include/constants.php, 1.4.23 sets $version in functions/strings.php.
        return (
            f"cd {home} 2>/dev/null && sed -n 's/^/checksum /p' {STAMP} && sed -n"
            r" -e \"s/^define('SM_VERSION', *'\([^']*\)'.*/version \1/p\""
            r" -e \"s/^\\\$version = '\([^']*\)'.*/version \1/p\""
            " include/constants.php functions/strings.php 2>/dev/null; true"
        ).replace('\\"', '"')

    @override
    def process(self, output: list[str]) -> Installed | None:
        words = dict(line.split(" ", 1) for line in output)
        if "checksum" not in words:
            return None
        return Installed(words["checksum"].split()[0], words.get("version", ""))
