"""What listens on a host, to whom, and which process it is."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass

from pyinfra.api import FactBase
from typing_extensions import override

from facts.record import Record

# ss(8) where iproute2 is there, else what the kernel says itself (proc(5)): 0A is LISTEN, 07 an unconnected UDP socket.
_COMMAND = """if command -v ss >/dev/null; then ss -Hlntup --cgroup 2>/dev/null || ss -Hlntup; else
for table in tcp tcp6 udp udp6; do awk -v t=$table '$4 == (t ~ /^tcp/ ? "0A" : "07") { print "table", t, $2, $10 }' \
/proc/net/$table 2>/dev/null; done
find /proc/[0-9]*/fd -lname 'socket:*' -printf 'socket %h %l\\n' 2>/dev/null
grep -H . /proc/[0-9]*/comm 2>/dev/null | sed 's/^/comm /'
grep -H ^0:: /proc/[0-9]*/cgroup 2>/dev/null | sed 's/^/cgroup /'
fi; true"""


@dataclass(frozen=True)
class Socket(Record):
    """One listening socket.

    ``protocol`` is tcp or udp, ``address`` without brackets or zone (``0.0.0.0``, ``::`` for all, ``*`` for both).
    ``process`` is the name of the oldest process that holds it (None: not ours to see), ``unit`` systemd's name of its
    service, where it is one; ``world`` is true unless the address is a loopback one.
    """

    protocol: str
    address: str
    port: int
    process: str | None
    pid: int | None
    world: bool
    unit: str | None = None


class Listeners(FactBase[list[Socket]]):
    """Every listening TCP and UDP socket, sorted. Names of processes need root.

    ``pyinfra inventory.py fact facts.listeners.Listeners``
    """

    default = list

    @override
    def command(self) -> str:
        return _COMMAND

    @override
    def process(self, output: list[str]) -> list[Socket]:
        lines = [line for line in output if line.strip()]
        from_kernel = any(line.startswith(("table ", "comm ")) for line in lines)
        found = set(_from_kernel(lines) if from_kernel else map(_from_ss, lines))
        return sorted(found, key=lambda one: (one.protocol, one.port, one.address))


def _listener(protocol: str, address: str, port: int, holders: Iterable[tuple[int, str]], cgroup: str) -> Socket:
    pid, process = min(holders, default=(None, None))
    world = address == "*" or not ipaddress.ip_address(address).is_loopback
    unit = next((part for part in reversed(cgroup.split("/")) if part.endswith((".service", ".socket"))), None)
    return Socket(protocol, address, port, process, pid, world, unit)


def _from_ss(line: str) -> Socket:
    # tcp LISTEN 0 100 127.0.0.53%lo:53 0.0.0.0:* users:(("systemd-resolve",pid=7,fd=14))
    protocol, _, _, _, local, _, *rest = line.split(None, 6)
    address, _, port = local.rpartition(":")
    users = re.findall(r'\("((?:[^"\\]|\\.)*)",pid=(\d+)', " ".join(rest))
    cgroup = re.search(r"cgroup:(\S+)", " ".join(rest))
    holders = [(int(pid), process) for process, pid in users]
    bare = address.split("%")[0].strip("[]").split("%")[0]
    return _listener(protocol, bare, int(port), holders, cgroup[1] if cgroup else "")


def _from_kernel(lines: list[str]) -> Iterable[Socket]:
    names: dict[int, str] = {}
    cgroups: dict[int, str] = {}
    sockets: dict[str, list[int]] = {}
    for kind, rest in (line.split(" ", 1) for line in lines):
        if kind == "comm":
            path, _, process = rest.partition(":")
            names[int(path.split("/")[2])] = process
        elif kind == "cgroup":
            path, _, cgroup = rest.partition(":")
            cgroups[int(path.split("/")[2])] = cgroup
        elif kind == "socket":
            path, _, inode = rest.partition(" socket:")
            sockets.setdefault(inode.strip("[]"), []).append(int(path.split("/")[2]))
    for line in lines:
        if line.startswith("table "):
            _, table, local, inode = line.split()
            address, _, port = local.partition(":")
            holders = [(pid, names.get(pid, "?")) for pid in sockets.get(inode, [])]
            cgroup = cgroups.get(min(holders)[0], "") if holders else ""
            yield _listener(table.removesuffix("6"), _address(address), int(port, 16), holders, cgroup)


def _address(hexadecimal: str) -> str:
    """The kernel prints an address as 32-bit words in its own byte order (little-endian on all that Debian calls amd64,
    arm64, armhf, riscv64, ppc64el)."""
    words = [bytes.fromhex(hexadecimal[start : start + 8])[::-1] for start in range(0, len(hexadecimal), 8)]
    return str(ipaddress.ip_address(b"".join(words)))
