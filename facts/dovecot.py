"""What Dovecot is, and what it reads in its own configuration."""

from __future__ import annotations

from pyinfra.api import FactBase, QuoteString, StringCommand
from typing_extensions import override

from facts.packages import package_versions, policy, upstream


class DovecotSeries(FactBase[str | None]):
    """The generation of configuration that Dovecot reads, ``2.3`` or ``2.4``: installed, else what apt would install.

    ``pyinfra inventory.py fact facts.dovecot.DovecotSeries``
    """

    @override
    def command(self) -> StringCommand:
        return policy(["dovecot-core"])

    @override
    def process(self, output: list[str]) -> str | None:
        package = package_versions(output).get("dovecot-core")
        return upstream(package.installed or package.candidate) if package else None


class DovecotSetting(FactBase[str | None]):
    """The value Dovecot itself reads for one setting, such as ``ssl`` (doveconf(1)); None where it knows no such word.

    ``pyinfra inventory.py fact facts.dovecot.DovecotSetting setting=ssl``
    """

    @override
    def requires_command(self, setting: str) -> str:
        return "doveconf"

    @override
    def command(self, setting: str) -> StringCommand:
        return StringCommand("doveconf", "-h", QuoteString(setting), "2>/dev/null || true")
