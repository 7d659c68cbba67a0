"""PHP does its work: asked as Apache asks it (FastCGI 1.0), it makes SquirrelMail's login page.

Runs on the host, under its own python3 alone.
"""

from __future__ import annotations

import socket
import struct

from deploys.probes.talk import Silent, Wrong, stream

BEGIN, END, PARAMS, STDIN, STDOUT, STDERR = 1, 3, 4, 5, 6, 7
RESPONDER = 1


def probe(paths: list[str], page: str) -> None:
    """``paths``: PHP's sockets; ``page``: the PHP file that must make a page by each."""
    for path in paths:
        _makes(path, page)


def _makes(path: str, page: str) -> None:
    settings = {
        "GATEWAY_INTERFACE": "CGI/1.1",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REQUEST_METHOD": "GET",
        "SCRIPT_FILENAME": page,
        "SCRIPT_NAME": f"/src/{page.rpartition('/')[2]}",
        "REQUEST_URI": f"/src/{page.rpartition('/')[2]}",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTPS": "on",
    }
    with stream(path) as sock:
        sock.sendall(
            _record(BEGIN, struct.pack(">HB5x", RESPONDER, 0))
            + _record(PARAMS, b"".join(map(_pair, settings.items())))
            + _record(PARAMS, b"")
            + _record(STDIN, b"")
        )
        out, errors = _answer(sock)
    head, _, body = out.partition(b"\r\n\r\n")
    if b"status: 5" in head.lower() or b"status: 4" in head.lower() or b"<html" not in body.lower():
        said = (errors or head).decode("utf-8", "replace").strip()
        raise Wrong(f"PHP does not make the login page {page}: {said[:500]}")


def _answer(sock: socket.socket) -> tuple[bytes, bytes]:
    out = {STDOUT: b"", STDERR: b""}
    with sock.makefile("rb") as lines:
        while True:
            head = lines.read(8)
            if len(head) < 8:
                raise Silent("PHP hangs up")
            _, kind, _, size, padding, _ = struct.unpack(">BBHHBB", head)
            data = lines.read(size + padding)[:size]
            if kind == END:
                return out[STDOUT], out[STDERR]
            if kind in out:
                out[kind] += data


def _record(kind: int, data: bytes) -> bytes:
    return struct.pack(">BBHHBB", 1, kind, 1, len(data), 0, 0) + data


def _pair(item: tuple[str, str]) -> bytes:
    name, value = (word.encode() for word in item)
    return struct.pack(">II", len(name) | 1 << 31, len(value) | 1 << 31) + name + value
