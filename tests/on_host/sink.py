"""A stranger's mail server on this machine: takes every message, and keeps it as it came."""

from __future__ import annotations

import errno
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP


class Patient(SMTP):
    """Takes lines of any length, as most servers do."""

    line_length_limit = 1 << 20


@dataclass
class Sink:
    """``messages``: envelope sender, recipients and bytes of each. ``without``: what its EHLO does not offer."""

    messages: list[tuple[str, tuple[str, ...], bytes]] = field(default_factory=list)
    without: str = ""

    async def handle_EHLO(self, server: Any, session: Any, envelope: Any, name: str, said: list[str]) -> list[str]:
        """What aiosmtpd asks before it answers EHLO."""
        session.host_name = name
        return [line for line in said if not self.without or self.without not in line]

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        """What aiosmtpd calls for each message."""
        self.messages.append((envelope.mail_from or "", tuple(envelope.rcpt_tos), envelope.original_content))
        return "250 taken"

    def wait(self, subject: str, seconds: float = 30) -> tuple[str, tuple[str, ...], bytes]:
        """The message with this subject, once it is there."""
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            for found in self.messages:
                if subject.encode() in found[2]:
                    return found
            time.sleep(0.1)
        raise AssertionError(f"no message {subject!r} came within {seconds} s")


class Listener(Controller):
    """aiosmtpd's own, with a patient server behind it."""

    def factory(self) -> Patient:
        """A server for one connection."""
        return Patient(self.handler, **self.SMTP_kwargs)


def started(sink: Sink, address: str, port: int, seconds: float = 300) -> Listener:
    """The server. A test in another process may have the port, which for mail is 25 and no other: its turn is first."""
    ends = time.monotonic() + seconds
    while True:
        controller = Listener(sink, hostname=address, port=port)
        try:
            controller.start()
        except OSError as error:
            if error.errno != errno.EADDRINUSE or time.monotonic() > ends:
                raise
            time.sleep(0.5)
        else:
            return controller


@contextmanager
def listening(address: str, port: int = 25, without: str = "") -> Iterator[Sink]:
    """A port of ``address``, one of this machine's own. ``without``: what its EHLO does not offer, such as 8BITMIME."""
    sink = Sink(without=without)
    controller = started(sink, address, port)
    try:
        yield sink
    finally:
        controller.stop()
