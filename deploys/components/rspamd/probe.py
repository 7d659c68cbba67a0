"""rspamd does its work: as Postfix asks it (the milter protocol, version 6), it signs what the probe writes.

Runs on the host, under its own python3 alone.
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import time
from pathlib import Path

from deploys.probes.talk import HERE, Silent, Wrong, command, message, stream

UNIT = "rspamd.service"
ENDS = {b"a": "accept", b"r": "reject", b"t": "tempfail", b"d": "discard", b"y": "a reply of its own"}
ADD, INSERT = b"h", b"i"
LISTENS = 0x10000  # of a row in net/unix: __SO_ACCEPTCON


def probe(milter: str, controller: str, address: str) -> None:
    """``milter``, ``controller``: sockets. ``address``: the probe's, which is signed for."""
    new = _new_workers()
    stream(controller).close()
    domain = address.partition("@")[2]
    before = accepted(milter)
    with stream(milter) as sock:
        _greet(sock)
        if not answered_by(new, accepted(milter) - before):
            raise Silent("rspamd answers from before it was told to read its configuration anew")
        signatures = _signatures(sock, address)
    if not any(f"d={domain};" in "".join(one.split()) for one in signatures):
        raise Wrong(f"rspamd does not sign what {domain} sends")


def _new_workers() -> set[int]:
    """The processes that Postfix is to meet: a reload goes on in the background, and those of before answer meanwhile.

    They even do so beside the new ones, until they are told that these are there.
    """
    said = command("systemctl", "show", "-p", "MainPID,StateChangeTimestampMonotonic", UNIT)
    values = dict(line.split("=", 1) for line in said.splitlines() if "=" in line)
    changed = time.monotonic() - int(values.get("StateChangeTimestampMonotonic") or 0) / 1e6
    new = {process for process, age in _ages_of_milters(values.get("MainPID", "0")).items() if age <= changed + 0.1}
    if not new:
        raise Silent("rspamd has not started anew what Postfix asks")
    return new


def _ages_of_milters(main: str) -> dict[int, float]:
    """Seconds since each child of ``main`` began that speaks the milter protocol (proc(5))."""
    up, ticks = float(Path("/proc/uptime").read_text(encoding="ascii").split()[0]), os.sysconf("SC_CLK_TCK")
    ages: dict[int, float] = {}
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (process / "stat").read_text(encoding="utf-8", errors="replace").rpartition(") ")[2].split()
            if words[1] == main and b"rspamd_proxy" in (process / "cmdline").read_bytes():
                ages[int(process.name)] = up - int(words[19]) / ticks
    return ages


def accepted(path: str) -> set[str]:
    """The connections to the Unix socket ``path`` that somebody has accepted, by their inodes (proc(5), net/unix)."""
    rows = (line.split() for line in Path("/proc/net/unix").read_text(encoding="utf-8", errors="replace").splitlines())
    return {row[6] for row in rows if row[7:] == [path] and not int(row[3], 16) & LISTENS and row[6] != "0"}


def answered_by(processes: set[int], connections: set[str]) -> bool:
    """Whether ``processes`` of this host hold all of ``connections``, of which there is one at least (proc(5))."""
    held: set[str] = set()
    for process in processes:
        with contextlib.suppress(OSError):
            held.update(os.readlink(file) for file in Path(f"/proc/{process}/fd").iterdir())
    return bool(connections) and {f"socket:[{one}]" for one in connections} <= held


def _greet(sock: socket.socket) -> None:
    _send(sock, b"O", struct.pack(">III", 6, 0x1FF, 0))
    if _receive(sock)[0] != b"O":
        raise Wrong("rspamd does not speak the milter protocol")


def _signatures(sock: socket.socket, address: str) -> list[str]:
    """The values of DKIM-Signature that rspamd adds to a message of ``address``, logged in."""
    _, text = message(address)
    head, _, body = text.partition("\r\n\r\n")
    _send(sock, b"D", b"C" + _words("j", "localhost", "{daemon_name}", "ORIGINATING"))
    _send(sock, b"C", _words("localhost") + b"4" + struct.pack(">H", 50000) + _words(HERE))
    _send(sock, b"H", _words("localhost"))
    _send(sock, b"D", b"M" + _words("i", "PROBE", "{auth_authen}", address, "{auth_type}", "PLAIN"))
    _send(sock, b"M", _words(f"<{address}>"))
    _send(sock, b"R", _words(f"<{address}>"))
    _send(sock, b"T", b"")
    for line in head.split("\r\n"):
        name, _, value = line.partition(": ")
        _send(sock, b"L", _words(name, value))
    _send(sock, b"N", b"")
    _send(sock, b"B", body.encode())
    _send(sock, b"E", b"")
    found = []
    while True:
        kind, data = _receive(sock)
        if kind in (ADD, INSERT):
            name, header = data[4 if kind == INSERT else 0 :].decode("utf-8", "replace").split("\0")[:2]
            found += [header] if name.lower() == "dkim-signature" else []
        elif kind == b"a":
            _send(sock, b"Q", b"")
            return found
        elif kind in ENDS:
            raise Wrong(f"rspamd answers a message of ours with {ENDS[kind]}: {data.decode('utf-8', 'replace')}")


def _words(*words: str) -> bytes:
    return b"".join(word.encode() + b"\0" for word in words)


def _send(sock: socket.socket, kind: bytes, data: bytes) -> None:
    sock.sendall(struct.pack(">I", len(data) + 1) + kind + data)


def _receive(sock: socket.socket) -> tuple[bytes, bytes]:
    packet = _exactly(sock, struct.unpack(">I", _exactly(sock, 4))[0])
    return packet[:1], packet[1:]


def _exactly(sock: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        if not (more := sock.recv(size - len(data))):
            raise Silent("rspamd hangs up")
        data += more
    return data
