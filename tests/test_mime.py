"""How many parts a message has, and how deep they lie: judged before anybody takes it apart."""

from __future__ import annotations

import asyncio
import struct
import time
from email.message import EmailMessage

import pytest

from deploys.components.rspamd.mime import STEPS, Conversation, Shape

PARTS, DEPTH = 50, 10


def judged(message: bytes, piece: int = 65_535) -> str:
    shape = Shape(PARTS, DEPTH)
    for start in range(0, len(message), piece):
        shape.feed(message[start : start + piece])
    shape.finish()
    return shape.fault


def flat(parts: int, declared: bytes = b"boundary=x", boundary: bytes = b"x", end: bytes = b"\r\n") -> bytes:
    """A message of so many empty parts."""
    lines = [b"Content-Type: multipart/mixed; " + declared, b"", *[b"--" + boundary, b"", b""] * parts]
    return end.join([*lines, b"--" + boundary + b"--", b""])


def deep(levels: int, boundary: bytes = b"b%d") -> bytes:
    """Multiparts in multiparts."""
    names = [boundary % level for level in range(levels)]
    return b"".join(
        b'Content-Type: multipart/mixed; boundary="' + name + b'"\r\n\r\n--' + name + b"\r\n" for name in names
    )


def forwarded(levels: int) -> bytes:
    """Messages in messages, without any boundary."""
    return b"Content-Type: message/rfc822\r\n\r\nSubject: x\r\n" * levels + b"\r\nhello\r\n"


def test_what_people_send_passes() -> None:
    message = EmailMessage()
    message.set_content("text")
    message.add_alternative("<p>text</p>", subtype="html")
    message.add_attachment(b"x" * 100_000, maintype="application", subtype="pdf", filename="a.pdf")
    for _ in range(4):
        outer = EmailMessage()
        outer.set_content("look at this\n-- \nme\n" + "------------\n" * 1000)
        outer.add_attachment(message)
        message = outer
    assert judged(message.as_bytes()) == ""
    assert judged(b"Subject: a dump\r\n\r\n" + b"-- a comment\r\nSET boundary = 1;\r\n" * 5000) == ""


@pytest.mark.parametrize("piece", [65_535, 7, 1])
def test_the_limits_are_what_they_say_however_the_message_is_cut(piece: int) -> None:
    assert judged(flat(PARTS - 1), piece) == ""
    assert judged(flat(PARTS + 1), piece) == f"This message has more than {PARTS} parts"
    for nested in (deep, forwarded):
        assert judged(nested(DEPTH), piece) == ""
        assert judged(nested(DEPTH + 1), piece) == f"This message is nested more than {DEPTH} deep"


@pytest.mark.parametrize(
    "message",
    [
        flat(60, b'boundary="a b;c"', b"a b;c"),
        flat(60, rb'boundary="a\b"', b"ab"),
        flat(60, b'boundary*0="a"; boundary*1=b', b"ab"),
        flat(60, b"boundary=(a comment)x"),
        flat(60, b"boundary\r\n\t=\r\n\tx"),
        flat(60, b'BOUNDARY="X--"', b"X--"),
        flat(60, b'boundary="----"', b"----"),
        flat(60, end=b"\r"),
        deep(11, b"b%d--"),
    ],
    ids=["blanks", "escapes", "pieces", "comment", "folded", "dashes after", "dashes alone", "bare CR", "deep dashes"],
)
@pytest.mark.parametrize("piece", [65_535, 1])
def test_no_way_of_writing_a_boundary_hides_the_parts(message: bytes, piece: int) -> None:
    assert judged(message, piece).startswith("This message ")


def test_a_large_attachment_costs_next_to_nothing() -> None:
    message = flat(2) + b"QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo=\r\n" * 500_000
    began = time.process_time()
    assert judged(message) == ""
    assert time.process_time() - began < 1.5, "19 MB take 0.15 s where nothing else runs"


class Written(asyncio.Transport):
    """What was said to Postfix, and whether the connection is still there."""

    def __init__(self) -> None:
        super().__init__()
        self.said, self.open = b"", True

    def write(self, data: bytes | bytearray | memoryview[int]) -> None:
        self.said += data

    def close(self) -> None:
        self.open = False


def packet(command: bytes, content: bytes = b"") -> bytes:
    return struct.pack(">I", len(content) + 1) + command + content


def said_to(stream: bytes, piece: int) -> Written:
    """What a new connection answers to ``stream``, which comes in pieces."""
    transport, conversation = Written(), Conversation(lambda: Shape(PARTS, DEPTH))
    conversation.connection_made(transport)
    for start in range(0, len(stream), piece):
        conversation.data_received(stream[start : start + piece])
    return transport


OFFERED = packet(b"O", struct.pack(">III", 6, 0x1FF, 0x1FFFFF))
ACCEPTED = packet(b"O", struct.pack(">III", 6, 0, STEPS))


def handed_in(parts: int) -> bytes:
    body = b"--x\r\n\r\n" * parts
    head = packet(b"L", b"Subject\0boundary\0") + packet(b"L", b"Content-Type\0multipart/mixed;\n boundary=x\0")
    bodies = [packet(b"B", body[start : start + 100]) for start in range(0, len(body), 100)]
    return packet(b"D", b"L") + head + b"".join(bodies) + packet(b"D", b"E") + packet(b"E")


@pytest.mark.parametrize("piece", [100_000, 11, 1])
def test_postfix_hears_of_each_message_in_a_connection_once_and_at_its_end(piece: int) -> None:
    refused = packet(b"y", f"554 5.6.0 This message has more than {PARTS} parts\0".encode())
    begun = packet(b"L", b"Content-Type\0multipart/mixed; boundary=x\0") + packet(b"B", b"--x\r\n" * PARTS)
    stream = OFFERED + handed_in(3) + handed_in(PARTS + 1) + handed_in(PARTS) + begun + packet(b"A") + handed_in(PARTS)
    transport = said_to(stream, piece)
    assert transport.said == ACCEPTED + packet(b"c") + refused + packet(b"c") + packet(b"c")
    assert transport.open
    assert not said_to(OFFERED + packet(b"Q"), piece).open


def test_who_cannot_do_without_answers_in_between_is_not_spoken_to() -> None:
    for version, steps in ((2, 0x7F), (6, 0x7F)):
        with pytest.raises(ValueError, match="offers version"):
            said_to(packet(b"O", struct.pack(">III", version, 0x1FF, steps)), 100)
