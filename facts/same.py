"""Whether a file is what it was."""

from __future__ import annotations

from pyinfra.api import FactBase, QuoteString, StringCommand
from typing_extensions import override


class Same(FactBase[bool]):
    """True if two files hold the same.

    ``pyinfra inventory.py fact facts.same.Same path=/etc/dovecot/notes other=/var/lib/posthaus/account-notes``
    """

    default = bool

    @override
    def command(self, path: str, other: str) -> StringCommand:
        return StringCommand("cmp -s --", QuoteString(path), QuoteString(other), "&& echo same; true")

    @override
    def process(self, output: list[str]) -> bool:
        return output == ["same"]
