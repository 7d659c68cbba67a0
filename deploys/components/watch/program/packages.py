"""Versions against the archive's."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from deploys.components.watch.program.amounts import DAY, span
from deploys.components.watch.program.measures import Measure
from deploys.components.watch.program.shell import said
from deploys.result import Check, CheckResult

GROUP = "updates"
LISTS = Path("/var/lib/apt/lists")
OLD = 7 * DAY
UPGRADE = "apt-get update && apt-get upgrade, then run deploys/verify.py"
# Inst openssl [3.0.15-1] (3.0.16-1 Debian-Security:12/oldstable-security [amd64])
_UPGRADED = re.compile(r"^Inst (\S+) \[\S+\] \(\S+ ([^)]*)\)", re.MULTILINE)


def versions(packages: Sequence[str]) -> Iterator[CheckResult | Measure]:
    """Whether ``packages`` are as new as the archive's, as far as apt's lists tell."""
    found = policy(said("apt-cache", "policy", *packages))
    about = Check("updates.versions", GROUP, "versions", "the archive's")
    behind = [f"{name} {old} (archive: {new})" for name, (old, new) in found.items() if old != new]
    yield Measure("packages_behind", len(behind))
    if behind:
        yield about.result(", ".join(behind), True, UPGRADE)
        return
    yield about.result(", ".join(f"{name} {old}" for name, (old, _) in found.items()), True)


def policy(text: str) -> dict[str, tuple[str, str]]:
    """What is installed and what could be, of each package that is, as apt-cache(8) says it."""
    found: dict[str, tuple[str, str]] = {}
    name = installed = ""
    for line in text.splitlines():
        word, _, value = line.strip().partition(": ")
        if not line.startswith(" "):
            name = line.rstrip(":")
        elif word == "Installed":
            installed = value
        elif word == "Candidate" and installed != "(none)":
            found[name] = (installed, value)
    return found


def security() -> Iterator[CheckResult | Measure]:
    """Security updates that wait, and how old is what apt knows."""
    about = Check("updates.security", GROUP, "security updates", "none waits")
    names = waiting(said("apt-get", "-s", "-q", "-o", "Debug::NoLocking=1", "upgrade"))
    yield Measure("security_updates", len(names))
    if names:
        yield about.result(
            f"{len(names)} wait: {', '.join(names[:10])}{', …' if len(names) > 10 else ''}", True, UPGRADE
        )
    else:
        yield about.result("none waits", True)
    age = time.time() - LISTS.stat().st_mtime
    fresh = Check("updates.lists", GROUP, "apt's lists", "of this week")
    remedy = "apt-get update; systemctl enable --now apt-daily.timer fetches them each day" if age > OLD else ""
    yield fresh.result(f"{span(age)} old", True, remedy)
    yield Measure("package_lists_age_seconds", round(age))


def waiting(text: str) -> list[str]:
    """The packages that a simulated upgrade would take from an archive for security."""
    return [name for name, where in _UPGRADED.findall(text) if "security" in where.lower()]
