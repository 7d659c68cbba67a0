"""What a host said before an upgrade of its release. Pure: no host."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from deploys.result import CheckResult
from facts.machine import MachineState
from facts.upgrade import UpgradeState


@dataclass(frozen=True)
class Seen:
    """What the host said. ``queue``: messages in Postfix's; ``watched``: its own look at itself."""

    now: MachineState
    upgrade: UpgradeState
    queue: int
    watched: Sequence[CheckResult]
