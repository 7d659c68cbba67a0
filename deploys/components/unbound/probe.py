"""The resolver does its work: it answers (RFC 1035), by UDP and TCP, for a name that needs nobody else.

Runs on the host, under its own python3 alone.
"""

from __future__ import annotations

import socket
import struct

from deploys.probes.talk import SECONDS, Silent, Wrong, stream

# One question for the addresses of "localhost", which unbound answers itself (RFC 6761, 6.3), recursion desired.
NAME = b"\x09localhost\x00"
QUESTION = struct.pack(">6H", 0x5048, 0x0100, 1, 0, 0, 0) + NAME + struct.pack(">2H", 1, 1)


def probe(address: str) -> None:
    """``address``: where it listens, at port 53."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(1)
        sock.connect((address, 53))
        sock.send(QUESTION)
        try:
            _look(sock.recv(512))
        except TimeoutError:
            raise Silent(f"{address} does not answer") from None
    with stream((address, 53)) as tcp:
        tcp.settimeout(SECONDS)
        tcp.sendall(struct.pack(">H", len(QUESTION)) + QUESTION)
        _look(tcp.recv(514)[2:])


def _look(answer: bytes) -> None:
    if len(answer) < 12:
        raise Silent("the resolver hangs up")
    _, flags, _, answers, _, _ = struct.unpack(">6H", answer[:12])
    if flags & 0x0F or not answers:
        raise Wrong(f"the resolver knows no localhost (code {flags & 0x0F})")
    if not flags & 0x0080:
        raise Wrong("the resolver asks nobody else (recursion is not available)")
