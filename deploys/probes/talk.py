"""What the probes of all components share. Runs on the host, under its own python3 alone."""

from __future__ import annotations

import imaplib
import poplib
import signal
import smtplib
import socket
import ssl
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

HERE = "127.0.0.1"
SECONDS = 4.0  # for any single answer; unit.converge ends the whole
SECRET = Path("/var/lib/posthaus/probe/password")
SUBJECT = "Posthaus probe"
NOBODY_YET = 75  # sysexits(3), EX_TEMPFAIL


class Wrong(Exception):
    """What is wrong with the service, as a sentence."""


class Silent(Wrong):
    """Nobody answers yet."""


def run(probe: Callable[..., None], plan: Mapping[str, Any]) -> None:
    """Run ``probe`` and end this program with the status that tells how it went. Being ended is an answer, too."""
    signal.signal(signal.SIGTERM, _ended)
    try:
        probe(**plan)
    except (Silent, ConnectionRefusedError, FileNotFoundError) as error:
        print(error, file=sys.stderr)
        sys.exit(NOBODY_YET)
    except smtplib.SMTPResponseException as error:
        text = error.smtp_error.decode("utf-8", "replace") if isinstance(error.smtp_error, bytes) else error.smtp_error
        sys.exit(f"SMTP: {error.smtp_code} {text}")
    except (Wrong, OSError, smtplib.SMTPException, imaplib.IMAP4.error, poplib.error_proto) as error:
        sys.exit(str(error) if isinstance(error, Wrong) else f"{type(error).__name__}: {error}")


def _ended(*_: object) -> None:
    raise Wrong("no answer within the time that the probe has")


def secret() -> str:
    """The password of the probe's mailbox, which only this host knows."""
    return SECRET.read_text(encoding="utf-8").strip()


def message(address: str) -> tuple[str, str]:
    """A word that no other message has, and a message with it, from the probe to itself (RFC 5322)."""
    token = uuid.uuid4().hex
    domain = address.partition("@")[2]
    from email.utils import formatdate  # slow to load, and few need it

    headers = {
        "From": f"<{address}>",
        "To": f"<{address}>",
        "Date": formatdate(),
        "Message-ID": f"<{token}@{domain}>",
        "Subject": f"{SUBJECT} {token}",
    }
    return token, "".join(f"{name}: {value}\r\n" for name, value in headers.items()) + "\r\nIt works.\r\n"


def stream(place: str | tuple[str, int]) -> socket.socket:
    """A connection to a Unix socket (a path) or a port."""
    if isinstance(place, tuple):
        return socket.create_connection(place, SECONDS)
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(SECONDS)
    try:
        sock.connect(place)
    except OSError as error:
        raise Silent(f"{place}: {error.strerror}") from None
    return sock


def anybody() -> ssl.SSLContext:
    """TLS with whoever answers: what its certificate is worth to others is for verify to say."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def shows(sock: ssl.SSLSocket, chain: str | None, where: str) -> None:
    """Raise Wrong unless the other end shows the first certificate of the file ``chain``; None: any will do."""
    shown = sock.getpeercert(binary_form=True)
    if not shown:
        raise Wrong(f"{where} shows no certificate")
    if chain and shown != ssl.PEM_cert_to_DER_cert(_first(Path(chain).read_text(encoding="utf-8"))):
        raise Wrong(f"{where} shows another certificate than {chain}")


def _first(chain: str) -> str:
    end = "-----END CERTIFICATE-----"
    begin = chain.index("-----BEGIN CERTIFICATE-----")
    return chain[begin : chain.index(end, begin) + len(end)]


def tls_at(port: int, chains: Iterable[tuple[str | None, str | None]]) -> None:
    """A TLS connection to ``port`` for each (name to ask for, chain that must be shown)."""
    for name, chain in chains:
        where = f"port {port}{f' as {name}' if name else ''}"
        try:
            with stream((HERE, port)) as plain, anybody().wrap_socket(plain, server_hostname=name) as sock:
                shows(sock, chain, where)
        except ssl.SSLError as error:
            raise Wrong(f"{where} does not speak TLS: {error.reason}") from None


def command(*words: str) -> str:
    """What a program prints; nothing where it fails or takes too long."""
    try:
        return subprocess.run(words, capture_output=True, text=True, timeout=SECONDS, stdin=subprocess.DEVNULL).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ""
