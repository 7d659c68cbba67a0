"""What something costs: seconds by the clock, and of which processor."""

from __future__ import annotations

import resource
import statistics
import time
from collections.abc import Callable

from lab.mailhost import MailHost

Meter = Callable[[], float]  # seconds so far


def workstation() -> float:
    """Seconds that this process's children that have ended kept this machine's processors busy."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def of_host(mail_host: MailHost) -> Meter:
    """Seconds that everything on the host kept processors busy (cgroup-v2, cpu.stat)."""
    return lambda: int(mail_host.run("awk '/^usage_usec/ { print $2 }' /sys/fs/cgroup/cpu.stat").stdout) / 1e6


def measured(action: Callable[[], object], meter: Meter = time.monotonic) -> float:
    """What doing it once costs, by ``meter``."""
    begun = meter()
    action()
    return round(meter() - begun, 2)


def median(action: Callable[[], object], runs: int, meter: Meter = time.monotonic) -> float:
    """What doing it costs by ``meter``: the median of so many times, after one to warm up."""
    action()
    return round(statistics.median(measured(action, meter) for _ in range(runs)), 2)
