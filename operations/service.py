"""A unit, and what it must have seen of the disk. No pyinfra here, so that whoever only looks may use it freely."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


def program(*packages: str) -> tuple[str, ...]:
    """Files that change when one of these Debian packages is installed or upgraded (dpkg(1)): what runs is another
    program from then on, or one that lacks what has come. Those that are not installed do no harm."""
    return tuple(f"/var/lib/dpkg/info/{package}.list" for package in packages)


@dataclass(frozen=True)
class Service:
    """One systemd unit as a component declares it: unit.converge makes it so, verify looks whether it is so.

    ``reload_on``, ``restart_on``: paths whose newest change it must have seen by a reload, or by a start. ``trees``:
    targets of config.tree that it reads. ``instance``, ``sees``: as for facts.units.UnitState. ``brings``: further
    units that run because of this one.
    """

    unit: str
    reload_on: tuple[str, ...] = ()
    restart_on: tuple[str, ...] = ()
    trees: tuple[str, ...] = ()
    instance: str | None = None
    sees: tuple[str, str] | None = None
    brings: tuple[str, ...] = ()

    @property
    def question(self) -> dict[str, Any]:
        """The arguments of facts.units.UnitState, and of unit.converge: the same answer serves both."""
        return {name: value for name, value in asdict(self).items() if name != "brings"} | {
            "reload_on": list(self.reload_on),
            "restart_on": list(self.restart_on),
            "trees": list(self.trees),
        }
