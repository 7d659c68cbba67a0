"""A DNS of the lab's own, signed from its root down: nsd serves the zones, and unbound beside it asks for others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import docker

from lab import acme
from lab.acme import Pebble
from lab.host import LabHost
from lab.network import Network

SERVER, RESOLVER = 2, 3  # the last number of each one's address
HOME = "/var/lib/names"
ROOT = "."

# $1: a zone's file name, $2 its name. Makes its key once; signs; leaves its DS in ds/.
_SIGN = f"""#!/bin/sh
set -eu
cd {HOME}
mkdir -p keys signed ds
if [ ! -e "keys/$1.key" ]; then
    made=$(cd keys && ldns-keygen -k -a ECDSAP256SHA256 "$2")
    mv "keys/$made.key" "keys/$1.key"
    mv "keys/$made.private" "keys/$1.private"
fi
ldns-signzone -f "signed/$1" -o "$2" "zones/$1" "keys/$1"
ldns-key2ds -n -2 "keys/$1.key" >"ds/$1"
"""
# unbound answers for these itself unless told: nobody outside a lab should ask the world for them.
_NODEFAULT = "".join(f'    local-zone: "{zone}" nodefault\n' for zone in ("30.172.in-addr.arpa.", "test."))
_UNBOUND = """server:
    interface: {resolver}
    interface: 127.0.0.1
    access-control: 0.0.0.0/0 allow
    trust-anchor-file: "{home}/keys/root.key"
    cache-max-ttl: 0
    cache-max-negative-ttl: 0
{nodefault}stub-zone:
    name: "."
    stub-addr: {server}
"""


@dataclass
class Names:
    """The running name server. ``zones``: name to text, as published."""

    host: LabHost
    network: Network
    zones: dict[str, str] = field(default_factory=dict)

    @property
    def acme_ca(self) -> Pebble:
        """An ACME CA on the same host, which asks this DNS."""
        return Pebble(self.host)

    @property
    def server(self) -> str:
        """The address of the authoritative server."""
        return self.network.address(SERVER)

    @property
    def resolver(self) -> str:
        """The address of the resolver, which remembers nothing."""
        return self.network.address(RESOLVER)

    def publish(self, zone: str, text: str) -> None:
        """Serve ``text`` (a zone file) as ``zone``, signed, and have the root lead to it."""
        self.zones[zone] = text
        self._install(zone)
        self._root()
        self._reload()

    def without(self, zone: str, line: str) -> None:
        """Serve ``zone`` without one line of its text; ``publish`` brings it back."""
        lines = self.zones[zone].splitlines(keepends=True)
        lines.remove(line)  # one, whole: another may begin like it
        self.host.write(f"{HOME}/zones/{_file(zone)}", "".join(lines))
        self._sign(zone)
        self._reload()

    def use(self, client: LabHost) -> None:
        """Have the resolver on ``client`` begin at the lab's root, and believe the lab's key; an administrator's own
        words (local.conf)."""
        anchor = self.host.read(f"{HOME}/keys/root.key")
        client.write("/etc/unbound/local.conf", self.local_conf())
        client.run("mkdir -p /var/lib/unbound && rm -f /var/lib/unbound/root.key")
        client.write("/var/lib/unbound/root.key", anchor)
        client.run("! id unbound 2>/dev/null || { chown -R unbound: /var/lib/unbound; systemctl try-restart unbound; }")

    def local_conf(self) -> str:
        """What leads a resolver to the lab's root."""
        return f'server:\n{_NODEFAULT}stub-zone:\n    name: "."\n    stub-addr: {self.server}\n'

    def _install(self, zone: str) -> None:
        self.host.write(f"{HOME}/zones/{_file(zone)}", self.zones[zone])
        self._sign(zone)

    def _sign(self, zone: str) -> None:
        self.host.run(f"{HOME}/sign {_file(zone)} {zone}")

    def _root(self) -> None:
        """The root's zone: itself, and the way to every other one."""
        head = f"$TTL 60\n. SOA ns.root. nobody.root. 1 60 60 600 1\n. NS ns.root.\nns.root. A {self.server}\n"
        delegations = "".join(f"{zone}. NS ns.root.\n" for zone in self.zones if zone != ROOT)
        files = " ".join(f"ds/{_file(zone)}" for zone in self.zones if zone != ROOT)
        signed = self.host.run(f"cd {HOME} && cat {files}").stdout if files else ""
        self.host.write(f"{HOME}/zones/root", head + delegations + signed)
        self._sign(ROOT)

    def _reload(self) -> None:
        names = [ROOT, *(zone for zone in self.zones if zone != ROOT)]
        zones = "".join(f'zone:\n  name: "{zone}"\n  zonefile: "{HOME}/signed/{_file(zone)}"\n' for zone in names)
        server = f'server:\n  ip-address: {self.server}\n  zonesdir: "/"\n  database: ""\n'
        self.host.write("/etc/nsd/nsd.conf", f"{server}remote-control:\n  control-enable: no\n{zones}")
        self.host.run("systemctl reset-failed nsd.service; systemctl restart nsd.service")


def start(
    engine: docker.DockerClient,
    name: str,
    state: Path,
    network: Network,
    labels: Mapping[str, str] | None = None,
    **options: Any,
) -> Names:
    """Start the name server in ``network``. Raises Unavailable where its packages cannot be had here."""
    address = network.address(SERVER)
    started = acme.start_server(engine, name, state, network=network.name, address=address, labels=labels, **options)
    try:
        started.run(f"ip address add {network.address(RESOLVER)}/24 dev eth0")
        names = Names(started, network)
        started.run(f"mkdir -p {HOME}/zones")
        started.write(f"{HOME}/sign", _SIGN, "0755")
        names._root()
        names._reload()
        conf = _UNBOUND.format(resolver=names.resolver, server=names.server, home=HOME, nodefault=_NODEFAULT)
        started.write("/etc/unbound/unbound.conf", conf)
        started.run("systemctl reset-failed unbound.service; systemctl restart unbound.service")
        names.publish("acme.test", plain_zone("acme.test", [f"ca A {names.server}"]))
        names.acme_ca.start(days=90)
    except BaseException:
        started.remove()
        raise
    return names


def reverse_zone(network: Network, names: Mapping[int, str]) -> tuple[str, str]:
    """Name and text of the network's reverse zone. ``names``: the last number of an address to its host name."""
    zone = ".".join([*reversed(network.prefix.split(".")), "in-addr", "arpa"])
    rows = "".join(f"{number} PTR {name}.\n" for number, name in names.items())
    return zone, f"$ORIGIN {zone}.\n$TTL 60\n@ SOA ns.root. nobody.root. 1 60 60 600 60\n@ NS ns.root.\n{rows}"


def plain_zone(zone: str, rows: Sequence[str]) -> str:
    """A zone's text from rows such as ``www A 192.0.2.1``."""
    return f"$ORIGIN {zone}.\n$TTL 60\n@ SOA ns.root. nobody.root. 1 60 60 600 60\n@ NS ns.root.\n" + "".join(
        f"{row}\n" for row in rows
    )


def _file(zone: str) -> str:
    return "root" if zone == ROOT else zone
