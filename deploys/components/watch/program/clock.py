"""Whether somebody keeps the clock right: a wrong one breaks TLS, DKIM and everybody's dates."""

from __future__ import annotations

from collections.abc import Iterator

from deploys.components.watch.program.measures import Measure
from deploys.components.watch.program.shell import Unanswered, said
from deploys.result import Check, CheckResult

GROUP = "clock"
MOST = 1.0  # second
REMEDY = "apt-get install chrony; timedatectl says whether it is synchronised then"


def clock() -> Iterator[CheckResult | Measure]:
    """By chrony where it runs, else by what the kernel was told (timedatectl(1)); a container's is its machine's."""
    about = Check("clock", GROUP, "clock", "synchronised")
    container = said("systemd-detect-virt", "--container", check=False).strip()
    if container not in ("", "none"):
        yield about.result("kept by the machine that this container runs on", True)
        yield Measure("clock_synchronized", 1)
        return
    try:
        offset = float(said("chronyc", "-c", "tracking").split(",")[4])
        yield about.result(f"by chrony, {offset:+.3f} s off", abs(offset) <= MOST, REMEDY if abs(offset) > MOST else "")
        yield Measure("clock_synchronized", int(abs(offset) <= MOST))
        yield Measure("clock_offset_seconds", offset)
        return
    except (Unanswered, ValueError, IndexError):
        pass
    kept = said("timedatectl", "show", "--property", "NTPSynchronized", "--value", check=False).strip()
    yield about.result(
        "synchronised" if kept == "yes" else "nobody keeps it right", kept == "yes", "" if kept == "yes" else REMEDY
    )
    yield Measure("clock_synchronized", int(kept == "yes"))
