"""What the verification on the host said, line by line."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Observation:
    """``code``: an SMTP or HTTP status, a port, a count; None where there was none. ``der``: a certificate, base64."""

    check: str
    code: int | None = None
    seen: str = ""
    name: str = ""
    der: str | None = None
    unknown: bool = False

    @property
    def answer(self) -> str:
        """What to print: a status stands before its text, once."""
        status = str(self.code) if self.code and self.code >= 200 else ""
        return self.seen if self.seen.startswith(status) else f"{status} {self.seen}"


def observations(output: Iterable[str]) -> list[Observation]:
    """Read the JSON lines; whatever else was printed is none of ours."""
    return [one for line in output if line.startswith('{"check"') for one in _observation(line)]


def _observation(line: str) -> list[Observation]:
    try:
        return [Observation(**json.loads(line))]
    except (ValueError, TypeError):
        return []
