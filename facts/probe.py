"""Whether the probe mailbox, which verify uses, has been made on the host."""

from __future__ import annotations

from pyinfra.api import FactBase, QuoteString, StringCommand
from typing_extensions import override

PROBE = "/var/lib/posthaus/probe"


class ProbeMade(FactBase[bool]):
    """True if ``path`` holds one row alone: ``before``, the hash of the host's own secret, ``after``. Shows no secret.

    ``pyinfra inventory.py fact facts.probe.ProbeMade path=/etc/dovecot/probe-users before=… after=…``
    """

    default = bool

    @override
    def command(self, path: str, before: str, after: str) -> StringCommand:
        file = QuoteString(path)
        return StringCommand(
            f"[ -s {PROBE}/password ] && [ -s {PROBE}/hash ] &&",
            "[ \"$(stat -c '%a %U:%G' --",
            file,
            ')" = "640 root:dovecot" ] &&',
            "printf '%s%s%s\\n'",
            QuoteString(before),
            f'"$(cat {PROBE}/hash)"',
            QuoteString(after),
            "| cmp -s -",
            file,
            "&& echo made; true",
        )

    @override
    def process(self, output: list[str]) -> bool:
        return output == ["made"]
