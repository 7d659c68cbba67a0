"""Hands what people's Sieve scripts send to Postfix, each as if its person had logged in. Runs on the host, one process
a message, with the connection on stdin (systemd.socket(5), Accept=yes): a line of JSON, then the message.

Who the person is, the kernel says: Dovecot delivers as the Unix user; where all mailboxes belong to one user, nobody
but Dovecot is that user, and its word counts. Postfix and rspamd then ask what they ask of every login.
"""

from __future__ import annotations

import json
import os
import pwd
import re
import smtplib
import socket
import struct
import sys
import tempfile
from typing import IO, Any

POSTFIX = "/var/spool/postfix/private/sieve"
STORE = "/var/mail/vhosts"  # its owner is the owner of all virtual mailboxes
RETURNED = "returned"  # the tag of an address whose messages no script sees (before.sieve)
SECONDS = 100
SENT, REFUSED, LATER = 0, 1, 75  # sysexits.h


class RefusedError(Exception):
    """Postfix or rspamd says no, for good."""


class Submission(smtplib.LMTP):
    """SMTP over a Unix socket, which smtplib knows of LMTP alone."""

    ehlo_msg = "ehlo"


def main() -> int:
    """What becomes of the message on stdin. Reasons go to stderr, which is the journal."""
    connection = socket.socket(fileno=0)
    with tempfile.TemporaryFile() as message, connection.makefile("rb") as sent:
        request = json.loads(sent.readline(1 << 20))
        while chunk := sent.read(1 << 16):
            message.write(chunk)
        status = LATER
        try:
            if message.tell() == request["size"] and is_of(peer(connection), request["login"]):
                message.seek(0)
                status = hand_in(request, message)
        except (OSError, smtplib.SMTPException, RefusedError) as error:
            _say(request, f"not now: {error}")
        connection.sendall(str(status).encode())
    return 0


def peer(connection: socket.socket) -> int:
    """The user id of who connected (unix(7), SO_PEERCRED)."""
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return int(struct.unpack("3i", credentials)[1])


def is_of(uid: int, login: str) -> bool:
    """Whether a process of ``uid`` may send as ``login``."""
    return uid == os.stat(STORE).st_uid or pwd.getpwuid(uid).pw_name == login


def hand_in(request: dict[str, Any], message: IO[bytes]) -> int:
    """Send it. A redirected message that is refused comes to the person's INBOX instead: nothing else has it."""
    login, sender, recipients = request["login"], request["sender"], request["recipients"]
    head = [message.readline(), message.readline()]
    person = redirected(*head)
    if person and sender:  # an empty one stays empty, or two dead addresses would write to each other for ever
        sender = person
    try:
        send(login, sender, recipients, head, message)
    except RefusedError as reason:
        _say(request, f"refused: {reason}")
        if not person:
            return REFUSED
        message.seek(sum(map(len, head)))
        note = f"X-Not-Redirected: {' '.join(recipients)}: {reason}\n".encode("ascii", "replace")
        send(login, "", [person], [*head, note], message)
    return SENT


def redirected(first: bytes, second: bytes) -> str | None:
    """For a redirected message, the person's address for what comes back. None: a script has written the message.

    Pigeonhole puts these two lines first; all that it composes goes on with Message-ID, whatever the script says.
    """
    found = re.fullmatch(rb"X-Sieve-Redirected-From: ([^\s+@<>]+)(?:\+[^\s@<>]*)?@([^\s@<>]+)\r?\n", second)
    if not found or not first.startswith(b"X-Sieve: "):
        return None
    return f"{found[1].decode()}+{RETURNED}@{found[2].decode()}"


def send(login: str, sender: str, recipients: list[str], head: list[bytes], rest: IO[bytes]) -> None:
    """One message by SMTP (RFC 5321). RefusedError: for good; OSError, SMTPException: for now."""
    with Submission(POSTFIX, local_hostname="localhost", timeout=SECONDS) as smtp:
        smtp.ehlo()
        _expect(smtp.docmd("XCLIENT", f"LOGIN={_xtext(login)}"), 220)
        smtp.ehlo()
        _expect(smtp.mail(sender, ["BODY=8BITMIME"]), 250)
        answers = [smtp.rcpt(recipient) for recipient in recipients]
        _expect(min(answers), 250)  # one that is taken is enough; Postfix tells of the others in its log
        _expect(smtp.docmd("DATA"), 354)
        assert smtp.sock is not None
        with smtp.sock.makefile("wb") as out:
            for line in (*head, *rest):
                out.write((b"." if line.startswith(b".") else b"") + line.rstrip(b"\r\n") + b"\r\n")
            out.write(b".\r\n")
        _expect(smtp.getreply(), 250)


def _expect(answer: tuple[int, bytes], code: int) -> None:
    if answer[0] == code:
        return
    said = f"{answer[0]} {' '.join(answer[1].decode(errors='replace').split())}"
    if 500 <= answer[0] < 600:
        raise RefusedError(said)
    raise smtplib.SMTPException(said)


def _xtext(text: str) -> str:
    """RFC 3461, section 4: what an attribute of XCLIENT may hold."""
    return "".join(char if "!" <= char <= "~" and char not in "+=" else f"+{ord(char):02X}" for char in text)


def _say(request: dict[str, Any], what: str) -> None:
    print(f"{request['login']}'s script to {' '.join(request['recipients'])}: {what}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
