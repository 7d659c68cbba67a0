"""PHP, asked as Apache asks it (FastCGI 1.0). Runs on the host, under its own python3 alone."""

from __future__ import annotations

import re
import socket
import struct
from collections.abc import Mapping
from dataclasses import dataclass

from deploys.probes.talk import SECONDS, Silent, stream

BEGIN, END, PARAMS, STDIN, STDOUT, STDERR = 1, 3, 4, 5, 6, 7
RESPONDER = 1


@dataclass(frozen=True)
class Answer:
    """``status`` of HTTP; ``head``: its lines; ``errors``: what PHP says beside the page."""

    status: int
    head: bytes
    body: bytes
    errors: bytes

    @property
    def said(self) -> str:
        """What went wrong, in PHP's words."""
        return (self.errors or self.head).decode("utf-8", "replace").strip()[:500]

    def headers(self, name: str) -> list[str]:
        """The values of the lines called ``name``."""
        lines = [line.partition(":") for line in self.head.decode("utf-8", "replace").splitlines()]
        return [value.strip() for key, _, value in lines if key.lower() == name.lower()]


def ask(
    path: str,
    page: str,
    uri: str,
    form: bytes | None = None,
    more: Mapping[str, str] | None = None,
    seconds: float = SECONDS,
) -> Answer:
    """What the PHP file ``page`` answers by the socket ``path``, asked for ``uri`` over https from this very host.

    ``form``: what a form holds, as a browser sends it; ``more``: further parameters, such as HTTP_COOKIE; ``seconds``:
    how long any answer may take.
    """
    settings = {
        "GATEWAY_INTERFACE": "CGI/1.1",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REQUEST_METHOD": "GET" if form is None else "POST",
        "SCRIPT_FILENAME": page,
        "SCRIPT_NAME": uri.partition("?")[0],
        "REQUEST_URI": uri,
        "QUERY_STRING": uri.partition("?")[2],
        "REMOTE_ADDR": "127.0.0.1",
        "HTTPS": "on",
        **(
            {}
            if form is None
            else {"CONTENT_TYPE": "application/x-www-form-urlencoded", "CONTENT_LENGTH": str(len(form))}
        ),
        **(more or {}),
    }
    with stream(path) as sock:
        sock.settimeout(seconds)
        sock.sendall(
            _record(BEGIN, struct.pack(">HB5x", RESPONDER, 0))
            + _record(PARAMS, b"".join(map(_pair, settings.items())))
            + _record(PARAMS, b"")
            + (_record(STDIN, form) if form else b"")
            + _record(STDIN, b"")
        )
        out, errors = _answer(sock)
    head, _, body = out.partition(b"\r\n\r\n")
    status = re.search(rb"(?im)^status: *(\d+)", head)
    return Answer(int(status[1]) if status else 200, head, body, errors)


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
