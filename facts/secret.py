"""Whether a key that a run makes on the host lies there. Shows none of it."""

from __future__ import annotations

from pyinfra.api import FactBase, QuoteString, StringCommand
from typing_extensions import override


class SecretMade(FactBase[str]):
    """Mode, owner and group of the file at ``path``, such as ``640 root:roundcube``; "" where it is missing or empty.

    ``pyinfra inventory.py fact facts.secret.SecretMade path=/var/lib/posthaus-roundcube/des_key``
    """

    default = str

    @override
    def command(self, path: str) -> StringCommand:
        file = QuoteString(path)
        return StringCommand("[ -s", file, "] && stat -c '%a %U:%G' --", file, "; true")

    @override
    def process(self, output: list[str]) -> str:
        return output[0] if output else ""
