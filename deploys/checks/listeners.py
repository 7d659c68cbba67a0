"""Which ports are open, and which should be."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from deploys.checks.plan import Listener
from deploys.result import CONVERGE, Check, CheckResult
from deploys.values import sockets
from facts.listeners import Socket

GROUP = "listeners"
# A lease is renewed from these ports; whoever asks for an address must hold them.
DHCP = {("udp", 68), ("udp", 546)}
# mDNS and LLMNR, which Debian's systemd-resolved speaks unless told otherwise (resolved.conf(5)).
NEIGHBOURS = (5353, 5355)


def results(
    declared: Sequence[Listener], seen: Sequence[Socket], open_ports: Collection[str] = ()
) -> list[CheckResult]:
    """One result for all declared ports that are open, one for each that is not, one for each open and undeclared port.

    ``open_ports`` are the operator's own: ``9100/tcp`` or ``51820/udp``.
    """
    world = {listener.port for listener in seen if listener.protocol == "tcp" and listener.world}
    shut = [_shut(listener, seen) for listener in declared if listener.port not in world]
    ports = " ".join(str(port) for port in sorted({listener.port for listener in declared} & world))
    answering = [CheckResult("listeners.declared", GROUP, "declared ports", "listening", ports, True)] if ports else []
    return [*answering, *shut, *_undeclared(declared, seen, open_ports)]


def _shut(listener: Listener, seen: Sequence[Socket]) -> CheckResult:
    local = sorted({one.address for one in seen if one.port == listener.port and one.protocol == "tcp"})
    found = f"listens on {', '.join(local)} only" if local else "nothing listens"
    about = Check(f"listeners.declared.{listener.port}", GROUP, f"port {listener.port} ({listener.what})", "listening")
    return about.result(found, False, CONVERGE)


def _undeclared(declared: Sequence[Listener], seen: Sequence[Socket], open_ports: Collection[str]) -> list[CheckResult]:
    allowed = {("tcp", listener.port) for listener in declared} | DHCP | set(map(sockets.split, open_ports))
    extra = {
        (one.protocol, one.port, one.process or "unknown process")
        for one in seen
        if one.world and (one.protocol, one.port) not in allowed and not _is_sshd(one)
    }
    if not extra:
        return [CheckResult("listeners.undeclared", GROUP, "undeclared ports", "none open to the world", "none", True)]
    return [_open(protocol, port, process) for protocol, port, process in sorted(extra)]


def _open(protocol: str, port: int, process: str) -> CheckResult:
    what, seen = f"port {port}/{protocol}", f"{process} listens"
    about = Check(f"listeners.undeclared.{protocol}.{port}", GROUP, what, "not open to the world")
    if process.startswith("systemd-resolve") and port in NEIGHBOURS:
        remedy = "it answers neighbours only; LLMNR=no and MulticastDNS=no in /etc/systemd/resolved.conf shut it"
        return about.result(seen, True, remedy)
    remedy = f"stop {process}, bind it to 127.0.0.1, or declare it: open_ports: [{port}/{protocol}]"
    return about.result(seen, False, remedy)


def _is_sshd(one: Socket) -> bool:
    """Where sshd is started by its socket, systemd holds port 22."""
    return one.process == "sshd" or (one.process == "systemd" and one.port == 22 and one.protocol == "tcp")
