"""To which release a host can go from the one it has. Pure: no host."""

from __future__ import annotations

from deploys.values.releases import CODENAMES, RELEASES, SUPPORTED
from facts.machine import MachineState

NEW_HOST = "docs/upgrading.md says how a new host takes its place"


class Refused(ValueError):
    """Why not, and what to say instead."""


def release(distribution: str, version: str) -> str:
    """As people name it on the command line: ``debian-13``."""
    return f"{distribution}-{version}"


def codename(distribution: str, version: str) -> str:
    """As package sources have it: ``trixie``."""
    return CODENAMES[distribution][version]


def target(machine: MachineState, wanted: str | None) -> str:
    """The version that ``machine`` goes to: ``wanted`` (``debian-13``), or the one that follows. Raises Refused.

    Neither distribution lets anybody skip a release (Debian's release notes, "Upgrades from"; Ubuntu's likewise).
    """
    distribution, version = machine.distribution, machine.version
    versions = SUPPORTED.get(distribution, ())
    if version not in versions:
        raise Refused(f"{machine.title or 'this system'} is not among the releases served ({RELEASES})")
    later = versions[versions.index(version) + 1 :]
    if wanted is None and not later:
        raise Refused(f"{machine.title} is the newest release of its kind that is served ({RELEASES})")
    chosen = release(distribution, later[0]) if wanted is None else wanted
    other, _, number = chosen.partition("-")
    here = release(distribution, version)
    if number not in SUPPORTED.get(other, ()):
        known = ", ".join(release(name, one) for name, all_of in SUPPORTED.items() for one in all_of)
        raise Refused(f"release: {chosen} is not served; there are {known}")
    if other != distribution:
        raise Refused(f"release: no upgrade leads from {here} to {chosen}: {NEW_HOST}")
    if number not in later:
        raise Refused(f"release: this host has {here}, and no upgrade leads to {chosen}: {NEW_HOST}")
    if number != later[0]:
        step = release(distribution, later[0])
        raise Refused(
            f"release: an upgrade skips none: from {here} to {step} first, then on to {chosen}; or {NEW_HOST}"
        )
    return number
