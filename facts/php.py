"""PHP, as the release brings it."""

from __future__ import annotations

from pyinfra.api import FactBase, StringCommand
from typing_extensions import override

from facts.packages import package_versions, policy, upstream


class PhpVersion(FactBase[str | None]):
    """PHP's version as it stands in paths and unit names, such as ``8.2``: the installed php-fpm, else the candidate.

    ``pyinfra inventory.py fact facts.php.PhpVersion``
    """

    @override
    def command(self) -> StringCommand:
        return policy(["php-fpm"])

    @override
    def process(self, output: list[str]) -> str | None:
        package = package_versions(output).get("php-fpm")
        return upstream(package.installed or package.candidate) if package else None
