"""A milter before rspamd: refuses messages of too many MIME parts, or nested too deep, which cost all who read them
later (rspamd, IMAP, the webmail) time and memory. Runs on the host: ``mime.py SOCKET PARTS DEPTH``.

It counts lines that could divide parts (RFC 2046, section 5.1.1), and looks closer at nothing.
"""

from __future__ import annotations

import re
import signal
import sys
from typing import Any

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


def main(socket: str, parts: int, depth: int) -> None:
    """Answer Postfix until a signal ends it."""
    import Milter  # python3-milter: what only the host has

    class Limits(Milter.Base):
        """One connection of Postfix, with any number of messages."""

        def envfrom(self, *_: Any) -> Any:
            self.shape = Shape(parts, depth)
            return Milter.CONTINUE

        def header(self, name: str, value: str) -> Any:
            if name.lower() == "content-type":
                self.shape.feed(f"\n{name}: {value}\n".encode(errors="replace"))
            return Milter.CONTINUE

        def body(self, piece: bytes) -> Any:
            self.shape.feed(piece)
            return self._judge()

        def eom(self) -> Any:
            self.shape.finish()
            return self._judge()

        def _judge(self) -> Any:
            if not self.shape.fault:
                return Milter.CONTINUE
            self.setreply("554", "5.6.0", self.shape.fault)
            return Milter.REJECT

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    Milter.factory = Limits
    Milter.runmilter("posthaus-mime", socket, 120)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
