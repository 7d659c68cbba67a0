"""A fact's answer as a dataclass that ``pyinfra … fact`` and ``--json`` can print."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any


class Record:
    """Base of the frozen dataclasses that facts return."""

    def to_json(self) -> dict[str, Any]:
        """What pyinfra prints: the fields, nested ones included."""
        return asdict(self)  # type: ignore[call-overload]
