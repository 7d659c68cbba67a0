"""One round: mail flows, something goes wrong, the world takes back its own, one run, and the count."""

from __future__ import annotations

import random
import time
from contextlib import nullcontext
from dataclasses import dataclass

from lab.progress import step
from tests.on_host.chaos.disks import small_disk
from tests.on_host.chaos.faults import Fault
from tests.on_host.chaos.ledger import Count, count
from tests.on_host.chaos.traffic import Message, Traffic, planned
from tests.on_host.chaos.world import BACK_SECONDS, WORKS_SECONDS, World

STALLED = 8  # seconds without an answer to any message, then nothing more is expected from the fault
ENDS_SECONDS, DRAINS_SECONDS = 300, 180
# Postfix waits for five minutes and more before it tries again; who counts does not.
_FLUSH = "postqueue -f; postqueue -j | grep -c queue_id"


@dataclass(frozen=True)
class Row:
    """``put_off``: attempts in vain; ``refused``: messages that were never taken. ``changes``: operations of the run
    that changed something; ``again``: of a second one. ``unanswered``: messages sent again for want of an answer."""

    fault: str
    count: Count
    put_off: int
    refused: int
    unanswered: int
    changes: int
    again: int
    seconds: float


def played(world: World, fault: Fault, messages: int, chance: random.Random) -> tuple[Row, dict[str, Message]]:
    """The round, and which messages were answered 250 in it. Raises AssertionError where one run does not mend it."""
    begun = time.monotonic()
    plan = planned(world, f"{fault_word(fault)}-{chance.randrange(1 << 24):06x}", messages)
    with step(fault.name), small_disk(world, fault.disk) if fault.disk else nullcontext():
        with Traffic(world, plan) as traffic:
            traffic.quarter()
            traffic.flows(STALLED)
            traffic.quarter()  # while it begins
            fault.begin(world, chance)
            traffic.quarter()  # while it lasts
            traffic.flows(STALLED)
            if fault.over:
                fault.over(world, chance)
            if fault.by_itself:
                world.works(BACK_SECONDS, f"not everything came back by itself after {fault.name}")
            traffic.quarter()  # while the run mends it
            run = world.host.converge(world.settings)
            assert run.rc == 0, f"One run does not mend it ({fault.name}):\n{run.output}"
            world.works(WORKS_SECONDS, f"after {fault.name} and one run not everything works")
            traffic.ends(ENDS_SECONDS)
        drained(world)
        found = count(world, traffic.taken)
        again = world.host.converge(world.settings)
        assert again.rc == 0, again.output
    row = Row(
        fault.name, found, traffic.put_off.total(), len(traffic.refused), len(traffic.unanswered), run.changes,
        again.changes, round(time.monotonic() - begun, 1),
    )  # fmt: skip
    return row, traffic.taken


def fault_word(fault: Fault) -> str:
    """A word for names of messages."""
    return "".join(letter if letter.isalnum() else "-" for letter in fault.name.lower())[:24].strip("-")


def drained(world: World) -> None:
    """Give the queue time to empty; what stays in it is counted as that."""
    ends = time.monotonic() + DRAINS_SECONDS
    while time.monotonic() < ends and world.host.run(_FLUSH, check=False).stdout.strip() not in ("", "0"):
        time.sleep(3)
