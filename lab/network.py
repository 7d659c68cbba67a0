"""A network of the lab's own, where hosts have fixed addresses."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

import docker
from docker.errors import APIError
from docker.types import IPAMConfig, IPAMPool

from lab import sweep
from lab.errors import LabError

# Where the engine's own networks lie: whoever comes through its gateway, everybody on this machine, has that address.
ENGINES = ("172.16.0.0/12", "192.168.0.0/16")


@dataclass(frozen=True)
class Network:
    """``name``: for ``host.start(network=…)``; ``prefix``: the first three numbers of every address in it."""

    name: str
    prefix: str

    def address(self, number: int) -> str:
        """The address of the host with this number (2 to 254; the engine keeps 1)."""
        return f"{self.prefix}.{number}"


@contextlib.contextmanager
def network(engine: docker.DockerClient, name: str) -> Iterator[Network]:
    """Make a network on the first subnet that nobody uses; taken away at the end. Raises LabError if all are taken."""
    made, prefix = _make(engine, name)
    try:
        yield Network(name, prefix)
    finally:
        made.remove()


def _make(engine: docker.DockerClient, name: str) -> tuple[docker.models.networks.Network, str]:
    """Try one subnet after another: only the engine knows which overlap with its others."""
    for number in range(77, 97):
        prefix = f"172.30.{number}"
        pools = IPAMConfig(pool_configs=[IPAMPool(subnet=f"{prefix}.0/24")])
        with contextlib.suppress(APIError):
            return engine.networks.create(name, ipam=pools, labels={"posthaus": "network", **sweep.owner()}), prefix
    raise LabError("No subnet from 172.30.77.0/24 to 172.30.96.0/24 is free for the lab's network")
