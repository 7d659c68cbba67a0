"""Messages from the probe to itself: sent, read back by every protocol, taken away again."""

from __future__ import annotations

import base64
import contextlib
import email
import email.message
import email.policy
import email.utils
import json
import pathlib
import smtplib
import socket
import subprocess
import time
import uuid
from collections.abc import Iterable
from typing import Any

from deploys.checks.remote.protocols import OPEN, trusting
from deploys.checks.remote.signature import signers

MARK = "X-Posthaus-Verification"
BODY = "Grüße aus dem Posthaus: naïve, 郵便, 💌.\n.\n..The dots above are the body's own.\n"
AGED = 3600  # seconds after which a message of the probe can only be what a killed run left


def envelope(client: smtplib.SMTP, sender: str, recipient: str, reset: bool = True) -> tuple[int, bytes]:
    """The first refusal of an envelope, or the last acceptance; ``reset`` forgets it. An empty sender is ``<>``."""
    client.ehlo_or_helo_if_needed()
    code, text = client.mail(sender)
    if code == 250:
        code, text = client.rcpt(recipient)
    if reset:
        client.rset()
    return code, text


class Post:
    """One run's messages: where they go, who sends them, how to find them again. ``plan`` is described in plan.py."""

    def __init__(self, plan: dict[str, Any], secret: str) -> None:
        self.probe, self.name, self.secret = plan["probe"], plan["hostname"], secret
        self.readers, self.maildir, self.patience = plan["readers"], plan["maildir"], plan["patience"]
        self.context = trusting(plan["ca_files"])
        self.run = uuid.uuid4().hex[:16]
        self.queued: list[str] = []
        self.underway = False  # a message may be in the host's hands, even if its answer never reached us
        self.until = time.monotonic()

    def message(self, bare: bool = False) -> email.message.EmailMessage:
        """A message with everything that suffers on the way: UTF-8 in subject and body, lines of dots.

        ``bare``: as copiers and scripts write them, without Date and Message-ID.
        """
        message = email.message.EmailMessage(policy=email.policy.SMTP)
        message["From"], message["To"] = self.probe, self.probe
        message["Subject"], message[MARK] = f"Grüße💌 Posthaus verification {self.run}", self.run
        if not bare:
            message["Date"], message["Message-ID"] = email.utils.formatdate(), email.utils.make_msgid(domain=self.name)
        message.set_content(BODY)
        return message

    def intact(self, raw: bytes) -> bool:
        """Whether these bytes are one of this run's messages, and just as it was written."""
        message = email.message_from_bytes(raw, policy=email.policy.default)
        if message[MARK] != self.run or message["Subject"] != self.message()["Subject"]:
            return False
        return str(message.get_content()).replace("\r\n", "\n") == BODY

    def submission(self, kind: str, port: int) -> smtplib.SMTP:
        """A session of submission that has logged in as the probe."""
        client: smtplib.SMTP = OPEN[kind](self.name, port, self.context)
        client.login(self.probe, self.secret)
        return client

    def send(self, kind: str, port: int) -> tuple[int, bytes]:
        """Submit a message to ourselves; at 465 a bare one: the server adds what it lacks."""
        with self.submission(kind, port) as client:
            code, text = envelope(client, self.probe, self.probe, reset=False)
            if code == 250:
                self.underway = True
                code, text = client.data(self.message(bare=kind == "smtps").as_bytes())
        if code == 250:
            self.queued.append(text.decode().split()[-1])
            self.until = time.monotonic() + self.patience
        return code, text

    def send_as(self, sender: str) -> tuple[int, bytes]:
        """What submission says to a logged-in user who sends as somebody else."""
        with self.submission("smtp", 587) as client:
            return envelope(client, sender, self.probe)

    def imap_messages(self, kind: str, port: int, delete: bool = False) -> list[bytes]:
        """The messages of this run in the INBOX; ``delete`` takes them away once read."""
        client = OPEN[kind](self.name, port, self.context)
        client.login(self.probe, self.secret)
        client.select("INBOX", readonly=not delete)
        numbers = client.search(None, "SUBJECT", f'"{self.run}"')[1][0].split()
        messages = [client.fetch(number, "(BODY.PEEK[])")[1][0][1] for number in numbers]
        if delete and numbers:
            client.store(b",".join(numbers), "+FLAGS", "\\Deleted")
            client.expunge()
        client.logout()
        return messages

    def pop3_messages(self, kind: str, port: int) -> list[bytes]:
        """The messages of this run that POP3 hands out."""
        client = OPEN[kind](self.name, port, self.context)
        client.user(self.probe)
        client.pass_(self.secret)
        messages = [b"\r\n".join(client.retr(n + 1)[1]) + b"\r\n" for n in range(client.stat()[0])]
        client.quit()
        return [message for message in messages if self.run.encode() in message]

    def messages(self, kind: str, port: int) -> list[bytes]:
        """The messages of this run that a port hands out."""
        return self.imap_messages(kind, port) if kind.startswith("imap") else self.pop3_messages(kind, port)

    def read(self, kind: str, port: int) -> tuple[int, str]:
        """Look until every message sent is there or patience ends; count those that arrived as they were written."""
        messages = self.messages(kind, port)
        while len(messages) < len(self.queued) and time.monotonic() < self.until:
            time.sleep(0.2)
            messages = self.messages(kind, port)
        intact = sum(map(self.intact, messages))
        return intact, f"{intact} of {len(self.queued)} sent arrived intact"

    def signatures(self, keys: str) -> tuple[int, str]:
        """How many good signatures each message of this run has, at the least; ``keys``: see signers."""
        found = [signers(message, keys) for kind, port in self.readers for message in self.messages(kind, port)]
        names = min(found, key=len, default=[])
        return len(names), f"signed by {' and '.join(names) or 'nobody'}"

    def headers(self) -> tuple[int, str]:
        """How many of the headers that a message has exactly once are not so in one of this run's (RFC 5322, 3.6)."""
        messages = [message for kind, port in self.readers for message in self.messages(kind, port)]
        once = ("From", "Date", "Message-ID", "To", "Subject")
        parsed = [email.message_from_bytes(message) for message in messages]
        wrong = sorted({name for message in parsed for name in once if len(message.get_all(name, [])) != 1})
        if not messages:
            return len(once), "no message could be read"
        return len(wrong), f"not once: {', '.join(wrong)}" if wrong else "each once"

    def forge(self, author: str) -> tuple[int, bytes]:
        """What submission says to a message that its From says is somebody else's."""
        message = self.message()
        message.replace_header("From", author)
        with self.submission("smtp", 587) as client:
            code, text = envelope(client, self.probe, self.probe, reset=False)
            if code == 250:
                self.underway = True
                code, text = client.data(message.as_bytes())
        if code == 250:
            self.queued.append(text.decode().split()[-1])
        return code, text

    def log_in_to_sieve(self, port: int) -> tuple[int, bytes]:
        """1 if ManageSieve lets the probe in."""
        client = OPEN["sieve"](self.name, port, self.context)
        words = base64.b64encode(f"\0{self.probe}\0{self.secret}".encode()).decode()
        answer: bytes = client.command(f'AUTHENTICATE "PLAIN" "{words}"')
        client.sock.close()
        return int(answer.startswith(b"OK")), answer

    def asks_for_own_password(self, port: int) -> tuple[int, str]:
        """1 if the service for people's own passwords lets the probe in, which means that Dovecot answered it."""
        with socket.create_connection(("127.0.0.1", port), 20) as connection, connection.makefile("rb") as lines:
            connection.sendall(f"user {self.probe}\r\npass {self.secret}\r\nquit\r\n".encode())
            said = [line.decode("utf-8", "replace").rstrip() for line in lines]
        return sum(line.startswith("200 ") for line in said) // 4, said[-1] if said else "no answer"

    def clean(self) -> tuple[int, str]:
        """Take this run's messages away: from the INBOX, the queue, wherever else one may lie; count the last two."""
        by_imap = 0
        for kind, port in self.readers if self.underway else []:
            if kind.startswith("imap"):
                with contextlib.suppress(Exception):
                    by_imap = len(self.imap_messages(kind, port, delete=True))
                    break
        queued = [queue_id for queue_id in self.in_queue() if self.run in postfix("postcat", "-qh", queue_id)]
        for queue_id in queued:
            postfix("postsuper", "-d", queue_id)
        stray = [path for path in files_below(self.maildir) if self.remains(path)]
        for path in stray:
            path.unlink(missing_ok=True)
        return len(queued) + len(stray), f"deleted: {by_imap} by IMAP, {len(queued)} in the queue, {len(stray)} on disk"

    def in_queue(self) -> set[str]:
        """The numbers of what may be ours in the queue: an older Postfix gives what it converts a second one."""
        rows = [json.loads(row) for row in postfix("postqueue", "-j").splitlines()]
        to_us = [row for row in rows if any(one["address"] == self.probe for one in row["recipients"])]
        return {*self.queued, *(str(row["queue_id"]) for row in to_us)}

    def remains(self, path: pathlib.Path) -> bool:
        """Whether this file is a message of this run, or of one that was killed long ago."""
        try:
            aged = time.time() - path.stat().st_mtime > AGED
            head = path.open("rb").read(8192)
        except OSError:
            return False  # delivered, moved or deleted meanwhile
        return self.run.encode() in head or (aged and MARK.encode() in head)


def files_below(maildir: str) -> Iterable[pathlib.Path]:
    """Every message of a Maildir and its folders."""
    return (path for kind in ("cur", "new", "tmp") for path in pathlib.Path(maildir).rglob(f"{kind}/*"))


def postfix(*command: str) -> str:
    """What one of Postfix's own tools prints; nothing if it knows no such message, or there is no such tool."""
    with contextlib.suppress(OSError):
        return subprocess.run(command, capture_output=True, check=False).stdout.decode("utf-8", "replace")
    return ""
