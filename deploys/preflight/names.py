"""What the resolver needs of a host. Pure: no host, no clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from deploys.components.unbound.check import ANOTHER
from facts.listeners import Socket

OURS = "unbound"
IN_THE_WAY = ("127.0.0.1", "0.0.0.0", "*")  # systemd-resolved's 127.0.0.53 is in nobody's way
ELSE = "`resolver: {forward: [address]}` asks one that may, `resolver: host` those that the host has"


def serves(listeners: Iterable[Socket]) -> bool:
    """Whether our resolver runs already."""
    return any(one.process == OURS for one in _at_53(listeners))


def name_problems(
    listeners: Iterable[Socket], asks_the_world: bool, reaches: bool, unfit: Mapping[str, str] | None = None
) -> list[str]:
    """Why no resolver can serve here. ``asks_the_world``: it asks the root itself; ``reaches``: which answers;
    ``unfit``: what is wrong with those whom it would ask instead, by address."""
    taken = sorted({one.process or "an unknown process" for one in _at_53(listeners) if one.process != OURS})
    found = [
        f"port 53 of 127.0.0.1, which the resolver needs: held by {holder}. Stop it, or write `resolver: host`"
        for holder in taken
    ]
    if asks_the_world and not reaches:
        found.append(f"no root server of the DNS answers this host (port 53 out is closed?): open it; or {ELSE}")
    return [*found, *(f"resolver.forward: {address} {fault}: {ANOTHER}" for address, fault in (unfit or {}).items())]


def _at_53(listeners: Iterable[Socket]) -> list[Socket]:
    return [one for one in listeners if one.port == 53 and one.address in IN_THE_WAY]
