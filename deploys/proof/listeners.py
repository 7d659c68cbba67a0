"""Which ports are open, and which should be."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from deploys.proof.line import CONVERGE, Check, Line
from deploys.proof.plan import Door
from facts.listeners import Listener

ROOM = "listeners"
# A lease is renewed from these ports; whoever asks for an address must hold them.
DHCP = {("udp", 68), ("udp", 546)}
# mDNS and LLMNR, which Debian's systemd-resolved speaks unless told otherwise (resolved.conf(5)).
NEIGHBOURS = (5353, 5355)


def lines(declared: Sequence[Door], seen: Sequence[Listener], open_ports: Collection[str | int] = ()) -> list[Line]:
    """One line for all declared doors that are open, one for each that is not, one for each open and undeclared port.

    ``open_ports`` are the operator's own: ``9100`` or ``51820/udp``.
    """
    world = {listener.port for listener in seen if listener.protocol == "tcp" and listener.world}
    shut = [_shut(door, seen) for door in declared if door.port not in world]
    ports = " ".join(str(port) for port in sorted({door.port for door in declared} & world))
    answering = [Line("listeners.declared", ROOM, "declared ports", "listening", ports, True)] if ports else []
    return [*answering, *shut, *_undeclared(declared, seen, open_ports)]


def _shut(door: Door, seen: Sequence[Listener]) -> Line:
    local = sorted({one.address for one in seen if one.port == door.port and one.protocol == "tcp"})
    found = f"listens on {', '.join(local)} only" if local else "nothing listens"
    about = Check(f"listeners.declared.{door.port}", ROOM, f"port {door.port} ({door.what})", "listening")
    return about.line(found, False, CONVERGE)


def _undeclared(declared: Sequence[Door], seen: Sequence[Listener], open_ports: Collection[str | int]) -> list[Line]:
    allowed = {("tcp", door.port) for door in declared} | DHCP | {_port(word) for word in open_ports}
    extra = {
        (one.protocol, one.port, one.process or "unknown process")
        for one in seen
        if one.world and (one.protocol, one.port) not in allowed and not _is_sshd(one)
    }
    if not extra:
        return [Line("listeners.undeclared", ROOM, "undeclared ports", "none open to the world", "none", True)]
    return [_open(protocol, port, process) for protocol, port, process in sorted(extra)]


def _open(protocol: str, port: int, process: str) -> Line:
    what, seen = f"port {port}/{protocol}", f"{process} listens"
    about = Check(f"listeners.undeclared.{protocol}.{port}", ROOM, what, "not open to the world")
    if process.startswith("systemd-resolve") and port in NEIGHBOURS:
        remedy = "it answers neighbours only; LLMNR=no and MulticastDNS=no in /etc/systemd/resolved.conf shut it"
        return about.line(seen, True, remedy)
    remedy = f"stop {process}, bind it to 127.0.0.1, or declare it in the host's data: open_ports: [{port}/{protocol}]"
    return about.line(seen, False, remedy)


def _is_sshd(one: Listener) -> bool:
    """Where sshd is started by its socket, systemd holds port 22."""
    return one.process == "sshd" or (one.process == "systemd" and one.port == 22 and one.protocol == "tcp")


def _port(word: str | int) -> tuple[str, int]:
    port, _, protocol = str(word).partition("/")
    return protocol or "tcp", int(port)
