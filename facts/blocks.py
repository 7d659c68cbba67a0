"""Long files by the hashes of their blocks."""

from __future__ import annotations

from pyinfra.api import FactBase, QuoteString, StringCommand
from typing_extensions import override

ROWS = 256  # of a block
DIGITS = 32  # of a hash: half of SHA-256; what is made of it is hashed whole


class Blocks(FactBase[dict[str, list[str]]]):
    """``{path: hashes}`` of the asked ``paths`` below ``target``: SHA-256 (its first DIGITS) of each ROWS rows.

    ``pyinfra inventory.py fact facts.blocks.Blocks target=/etc/dovecot paths='["users"]'``
    """

    default = dict

    @override
    def command(self, target: str, paths: list[str]) -> StringCommand:
        hashes = f"split -l {ROWS} --filter='sha256sum | cut -c1-{DIGITS}' -- \"$path\""
        return StringCommand(
            "cd",
            QuoteString(target),
            "&& for path in",
            *[QuoteString(path) for path in paths],
            f'; do echo "path $path"; {hashes}; done 2>/dev/null; true',
        )

    @override
    def process(self, output: list[str]) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        path = ""
        for line in output:
            if line.startswith("path "):
                path = line[5:]
                found[path] = []
            elif path:
                found[path].append(line)
        return found
