"""What the host says when it looks at itself (deploys/components/watch)."""

from __future__ import annotations

import json
from typing import Any

from pyinfra.api import FactBase
from typing_extensions import override

PROGRAM = "/usr/local/lib/posthaus-watch"


class Watched(FactBase[list[dict[str, Any]]]):
    """A mapping for each thing that was looked at, with the fields of a CheckResult; none where no run has put the
    program there yet.

    ``pyinfra inventory.py fact facts.watch.Watched``
    """

    default = list

    @override
    def requires_command(self) -> str:
        return "python3"

    @override
    def command(self) -> str:
        return f"[ ! -e {PROGRAM}/__main__.py ] || python3 -I -B {PROGRAM} --json"

    @override
    def process(self, output: list[str]) -> list[dict[str, Any]]:
        return [json.loads(line) for line in output if line.startswith("{")]
