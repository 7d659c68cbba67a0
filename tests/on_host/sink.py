"""A stranger's mail server on this machine: takes every letter, and keeps it as it came."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from aiosmtpd.controller import Controller


@dataclass
class Sink:
    """``letters``: envelope sender, recipients and bytes of each."""

    letters: list[tuple[str, tuple[str, ...], bytes]] = field(default_factory=list)

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        """What aiosmtpd calls for each letter."""
        self.letters.append((envelope.mail_from or "", tuple(envelope.rcpt_tos), envelope.original_content))
        return "250 taken"

    def wait(self, subject: str, seconds: float = 30) -> tuple[str, tuple[str, ...], bytes]:
        """The letter with this subject, once it is there."""
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            for found in self.letters:
                if subject.encode() in found[2]:
                    return found
            time.sleep(0.1)
        raise AssertionError(f"no letter {subject!r} came within {seconds} s")


@contextmanager
def listening(address: str) -> Iterator[Sink]:
    """Port 25 of ``address``, one of this machine's own."""
    sink = Sink()
    controller = Controller(sink, hostname=address, port=25)
    controller.start()
    try:
        yield sink
    finally:
        controller.stop()
