"""Messages in and out, each tried until the host takes it or refuses it for good (RFC 5321, 4.5.4)."""

from __future__ import annotations

import itertools
import queue
import smtplib
import ssl
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from types import TracebackType

from tests.on_host.chaos.world import STRANGERS, World, until
from tests.on_host.post import trusting
from tests.on_host.settings import TITO

HEADER = "X-Chaos"
AT_ONCE = {False: 3, True: 2}  # strangers, and programs of people who are logged in
PATIENCE = 20  # seconds for one answer; the world's is minutes
AGAIN = 0.5  # seconds until who was put off tries again; the world's is minutes, too
A_CONNECTION = 25  # messages


@dataclass(frozen=True)
class Message:
    """``name``: no other message has it. ``goes_out``: a person of ours wrote it."""

    name: str
    recipient: str
    goes_out: bool

    def text(self, run: str) -> bytes:
        """About two kilobytes."""
        author = TITO if self.goes_out else f"{self.name}@{STRANGERS}"
        head = f"From: {author}\r\nTo: {self.recipient}\r\nSubject: {self.name}\r\n{HEADER}: {run}/{self.name}\r\n"
        dated = f"Date: Fri, 27 Nov 2026 11:00:00 +0000\r\nMessage-ID: <{self.name}.{run}@{STRANGERS}>\r\n\r\n"
        return (head + dated + "A line of the message, and another word.\r\n" * 40).encode()


def planned(world: World, begin: str, count: int) -> list[Message]:
    """``count`` messages whose names begin with ``begin``."""
    recipients = [world.recipient(number) for number in range(count)]
    away = f"somebody@{world.elsewhere}"
    return [Message(f"{begin}-{number}", to or away, not to) for number, to in enumerate(recipients)]


@dataclass
class Traffic:
    """``taken``: answered 250. ``refused``: for good, with the words. ``put_off``: attempts in vain, by their reason.
    ``unanswered``: attempts that ended after the text was sent: the message may be there, and is sent again."""

    world: World
    messages: list[Message]
    taken: dict[str, Message] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    put_off: Counter[str] = field(default_factory=Counter)
    unanswered: Counter[str] = field(default_factory=Counter)

    def __enter__(self) -> Traffic:
        self._stop, self._lock = threading.Event(), threading.Lock()
        self._trust = trusting(self.world.host)
        self._later, self._begun = iter(self.messages), 0
        self._todo: dict[bool, queue.SimpleQueue[Message]] = {goes_out: queue.SimpleQueue() for goes_out in AT_ONCE}
        self._threads = [
            threading.Thread(target=self._work, args=(self._todo[goes_out],), daemon=True)
            for goes_out, at_once in AT_ONCE.items()
            for _ in range(at_once)
        ]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(2 * PATIENCE)

    @property
    def answered(self) -> int:
        """How many messages have their last answer."""
        return len(self.taken) + len(self.refused)

    def quarter(self) -> None:
        """Another quarter of all messages is to be sent from now on."""
        for message in itertools.islice(self._later, -(-len(self.messages) // 4)):
            self._todo[message.goes_out].put(message)
            self._begun += 1

    def flows(self, stalled: float) -> None:
        """Return when all that are to be sent have an answer, or none has come for ``stalled`` seconds."""
        last, since = self.answered, time.monotonic()
        while self.answered < self._begun and time.monotonic() - since < stalled:
            time.sleep(0.1)
            if self.answered != last:
                last, since = self.answered, time.monotonic()

    def ends(self, seconds: float) -> None:
        """Wait until each message has its last answer. Raises LabError where that takes longer."""
        until(
            lambda: self.answered >= len(self.messages), seconds,
            lambda: f"{len(self.messages) - self.answered} messages are still put off: {self.put_off.most_common(5)}",
        )  # fmt: skip

    def _work(self, todo: queue.SimpleQueue[Message]) -> None:
        client, sent = None, 0
        while not self._stop.is_set():
            try:
                message = todo.get(timeout=0.5)
            except queue.Empty:
                client = _closed(client)
                continue
            while not self._stop.is_set():
                try:
                    client = client or self._connect(message.goes_out)
                    self._try(client, message)
                    sent += 1
                    break
                except (OSError, smtplib.SMTPException) as error:  # smtplib's are OSErrors, ssl's too
                    client = _closed(client)
                    with self._lock:
                        self.put_off[_words(error)] += 1
                    self._stop.wait(AGAIN)
            if client and sent % A_CONNECTION == 0:
                client = _closed(client)
        _closed(client)

    def _connect(self, goes_out: bool) -> smtplib.SMTP:
        address = self.world.address
        if not goes_out:
            client = smtplib.SMTP(address, 25, f"mx.{STRANGERS}", PATIENCE)
            client.ehlo_or_helo_if_needed()
            return client
        client = smtplib.SMTP(address, 587, "laptop.at.home", PATIENCE)
        client.starttls(context=self._trust)
        client.login(TITO, self.world.host.password(TITO))
        return client

    def _try(self, client: smtplib.SMTP, message: Message) -> None:
        """One attempt. Raises where the message is put off."""
        sender = TITO if message.goes_out else self.world.stranger(message.name)
        for code, words in (client.mail(sender), client.rcpt(message.recipient)):
            if code != 250:
                return self._not_taken(client, message, code, words)
        try:
            code, words = client.data(message.text(self.world.run))
        except (OSError, smtplib.SMTPServerDisconnected):
            with self._lock:
                self.unanswered[message.name] += 1
            raise
        if code != 250:
            return self._not_taken(client, message, code, words)
        with self._lock:
            self.taken[message.name] = message
        return None

    def _not_taken(self, client: smtplib.SMTP, message: Message, code: int, words: bytes) -> None:
        if code < 500:
            raise smtplib.SMTPResponseException(code, words)
        client.rset()
        with self._lock:
            self.refused[message.name] = f"{code} {words.decode(errors='replace')}"


def _closed(client: smtplib.SMTP | None) -> None:
    if client:
        client.close()


def _words(error: Exception) -> str:
    """Why, short enough to be counted."""
    if isinstance(error, smtplib.SMTPResponseException):
        said = error.smtp_error
        text = said.decode(errors="replace") if isinstance(said, bytes) else str(said)
        return f"{error.smtp_code} {text.splitlines()[0][:60] if text else ''}"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"certificate: {error.verify_message}"
    return type(error).__name__
