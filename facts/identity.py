"""What a host is called."""

from __future__ import annotations

from dataclasses import dataclass, field

from pyinfra.api import FactBase, QuoteString, StringCommand
from typing_extensions import override

from facts.record import Record


@dataclass(frozen=True)
class HostIdentity(Record):
    """The kernel's host name (``uname -n``) and the text of each file that exists."""

    hostname: str = ""
    files: dict[str, str] = field(default_factory=dict)


class Identity(FactBase[HostIdentity]):
    """Name of the host, and the text of the files that hold it, in one command.

    ``pyinfra inventory.py fact facts.identity.Identity paths='["/etc/hosts"]'``
    """

    default = HostIdentity

    @override
    def command(self, paths: list[str]) -> StringCommand:
        script = (
            """uname -n; for file in "$@"; do [ -f "$file" ] || continue; echo "= $file"; sed 's/^/+ /' "$file"; done"""
        )
        return StringCommand("sh", "-c", QuoteString(script), "identity", *[QuoteString(path) for path in paths])

    @override
    def process(self, output: list[str]) -> HostIdentity:
        files: dict[str, list[str]] = {}
        path = ""
        for line in output[1:]:
            if line.startswith("= "):
                path = line[2:]
                files[path] = []
            else:
                files[path].append(f"{line[2:]}\n")
        return HostIdentity(output[0], {path: "".join(lines) for path, lines in files.items()})
