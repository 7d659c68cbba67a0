"""A milter before rspamd: refuses messages of too many MIME parts, or nested too deep, which cost all who read them
later (rspamd, IMAP, the webmail) time and memory. Runs on the host: ``mime.py SOCKET PARTS DEPTH``.

It counts lines that could divide parts (RFC 2046, section 5.1.1), and looks closer at nothing.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import struct
import sys
from collections.abc import Callable
from typing import cast

VERSION = 6  # of the milter protocol (Postfix' milter8.c, Sendmail's mfdef.h)
# Leave out connection, HELO, MAIL, RCPT, the end of headers, unknown commands, DATA; no answer to a header or a body.
STEPS = 0x01 | 0x02 | 0x04 | 0x08 | 0x40 | 0x100 | 0x200 | 0x80 | 0x80000
BACKLOG = 1024  # where a Unix socket's queue is full, connect(2) fails at once, and mail would wait

# What may matter in a piece of a message, in lower case. Most pieces of an attachment hold none of them.
HINTS = (b"\n--", b"boundary", b"\ncontent-type:")
TOKEN = re.compile(
    rb'^--(?P<line>[^\n]{0,250})|^content-type:\s*(?P<message>message/(?:rfc822|global|news))'
    rb'|boundary(?:\s*=\s*(?:"(?P<quoted>[^"\\\n]{1,250})"|(?P<bare>[^\s;"(\\]{1,250}))|(?P<odd>\s*[=(*]))',
    re.MULTILINE,
)  # fmt: skip
EDGE = re.compile(rb"boundary\s*=?\s*\Z")  # what a piece may be cut at


class Shape:
    """What a message looks like so far. ``fault``: which limit it is beyond; from then on nothing is looked at."""

    def __init__(self, parts: int, depth: int) -> None:
        self.fault = ""
        self._most, self._deepest = parts, depth
        self._parts = 0
        self._boundaries: set[bytes] = set()
        self._dashed: set[bytes] = set()  # of these, those whose last line looks like any other
        self._any = False  # a boundary written oddly (in pieces, with comments) may be any
        self._open: list[tuple[bytes, int]] = [(b"", 0)]  # boundary, and how many messages lie in each other there
        self._rest = b"\n"

    def feed(self, piece: bytes) -> None:
        """The next bytes of the message."""
        text = self._rest + piece.lower().replace(b"\r", b"\n")  # rspamd takes either for a line's end
        end = text.rfind(b"\n")
        end = end if end >= 0 else max(0, len(text) - 1024)  # a line without an end does not grow for ever
        text, self._rest = text[:end], text[end:]
        self._any = self._any or EDGE.search(text[-300:]) is not None
        if any(hint in text for hint in HINTS):
            for token in TOKEN.finditer(text):
                if self.fault:
                    return
                self._see(token)

    def finish(self) -> None:
        """There are no more."""
        self.feed(b"\n")

    def _see(self, token: re.Match[bytes]) -> None:
        line = token["line"]
        if line is not None:
            boundary = line.rstrip().strip(b"-")
            if boundary in self._boundaries or self._any:
                self._divide(boundary, ends=line.rstrip().endswith(b"--") and boundary not in self._dashed)
        elif token["message"]:
            boundary, messages = self._open[-1]
            self._open[-1] = boundary, messages + 1
            self._measure()
        elif token["odd"] or len(self._boundaries) > 10 * self._most:
            self._any = True
        else:
            boundary = (token["quoted"] or token["bare"]).rstrip()
            self._boundaries.add(boundary.strip(b"-"))
            if boundary.endswith(b"-"):
                self._dashed.add(boundary.strip(b"-"))

    def _divide(self, boundary: bytes, ends: bool) -> None:
        self._parts += 1
        if self._parts > self._most:
            self.fault = f"This message has more than {self._most} parts"
        known = [number for number, (one, _) in enumerate(self._open) if one == boundary and number]
        del self._open[known[0] if known else len(self._open) :]
        if not ends:
            self._open.append((boundary, 0))
            self._measure()

    def _measure(self) -> None:
        if len(self._open) - 1 + sum(count for _, count in self._open) > self._deepest:
            self.fault = f"This message is nested more than {self._deepest} deep"


class Conversation(asyncio.Protocol):
    """One connection of Postfix with any number of messages, in version 6 of the milter protocol.

    It asks for no more than headers and bodies, and says nothing before a message's end: Postfix never waits between.
    """

    def __init__(self, shape: Callable[[], Shape]) -> None:
        self._new, self._shape, self._rest = shape, shape(), b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Postfix is there."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Some packets, the last of them perhaps in part: length, command, content."""
        data = self._rest + data
        at = 0
        while at + 4 <= len(data):
            end = at + 4 + int.from_bytes(data[at : at + 4], "big")
            if end > len(data):
                break
            self._take(data[at + 4 : at + 5], data[at + 5 : end])
            at = end
        self._rest = data[at:]

    def _take(self, command: bytes, content: bytes) -> None:
        if command == b"L":
            name, value = content.split(b"\0")[:2]
            if name.lower() == b"content-type":
                self._shape.feed(b"\n" + name + b": " + value + b"\n")
        elif command == b"B":
            self._shape.feed(content)
        elif command == b"E":
            self._shape.feed(content)
            self._shape.finish()
            fault = self._shape.fault
            self._say(b"y" + f"554 5.6.0 {fault}\0".encode() if fault else b"c")
            self._shape = self._new()
        elif command in (b"A", b"K"):
            self._shape = self._new()
        elif command == b"O":
            self._negotiate(*struct.unpack(">III", content[:12]))
        elif command != b"D":  # macros; Q: that was all
            self._transport.close()

    def _negotiate(self, version: int, _: int, steps: int) -> None:
        if version < VERSION or STEPS & ~steps:
            raise ValueError(f"Postfix offers version {version} of the milter protocol with steps {steps:#x}")
        self._say(b"O" + struct.pack(">III", VERSION, 0, STEPS))

    def _say(self, packet: bytes) -> None:
        self._transport.write(struct.pack(">I", len(packet)) + packet)


async def serve(path: str, parts: int, depth: int) -> None:
    """Answer Postfix at the socket ``path``, and nobody else, until a signal ends it."""
    loop = asyncio.get_running_loop()
    server = await loop.create_unix_server(lambda: Conversation(lambda: Shape(parts, depth)), path, backlog=BACKLOG)
    shutil.chown(path, group="postfix")
    os.chmod(path, 0o660)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
