"""How each protocol greets, and what its certificate looks like to a client."""

from __future__ import annotations

import base64
import http.client
import imaplib
import json
import pathlib
import poplib
import smtplib
import socket
import ssl
from collections.abc import Callable, Iterable
from typing import Any

TIMEOUT = 10  # seconds, for any single answer


def say(check: str, code: int | None, seen: object, **more: object) -> None:
    """Print one observation as a line of JSON. A server's reply may be bytes of any kind, in several lines."""
    text = seen.decode("utf-8", "replace") if isinstance(seen, bytes) else str(seen)
    print(json.dumps({"check": check, "code": code, "seen": " ".join(text.split()), **more}), flush=True)


def attempt(check: str, function: Callable[..., tuple[int | None, object]], *arguments: object) -> None:
    """Say what ``function`` returned as (code, seen), or why it could not return anything."""
    try:
        say(check, *function(*arguments))
    except smtplib.SMTPResponseException as error:
        say(check, error.smtp_code, error.smtp_error)
    except Exception as error:
        say(check, None, f"{type(error).__name__}: {error}")


class Sieve:
    """As much of ManageSieve (RFC 5804) as logging in takes."""

    def __init__(self, name: str, port: int) -> None:
        self.sock, self.name = socket.create_connection((name, port), TIMEOUT), name
        self.answer()

    def answer(self) -> bytes:
        """The last line of one response: OK, NO or BYE, and why."""
        with self.sock.makefile("rb", buffering=0) as stream:
            while True:
                line = stream.readline()
                if not line or line[:3].upper() in (b"OK ", b"OK\r", b"NO ", b"BYE"):
                    return line

    def command(self, text: str) -> bytes:
        """Send one command and return the last line of its response."""
        self.sock.sendall(text.encode() + b"\r\n")
        return self.answer()

    def starttls(self, context: ssl.SSLContext) -> None:
        """Go on in TLS; the server then repeats its capabilities."""
        self.command("STARTTLS")
        self.sock = context.wrap_socket(self.sock, server_hostname=self.name)
        self.answer()


def smtp(name: str, port: int, context: ssl.SSLContext) -> smtplib.SMTP:
    client = smtplib.SMTP(name, port, timeout=TIMEOUT)
    client.starttls(context=context)
    return client


def imap(name: str, port: int, context: ssl.SSLContext) -> imaplib.IMAP4:
    client = imaplib.IMAP4(name, port, timeout=TIMEOUT)
    client.starttls(context)
    return client


def pop3(name: str, port: int, context: ssl.SSLContext) -> poplib.POP3:
    client = poplib.POP3(name, port, timeout=TIMEOUT)
    client.stls(context)
    return client


def sieve(name: str, port: int, context: ssl.SSLContext) -> Sieve:
    client = Sieve(name, port)
    client.starttls(context)
    return client


def https(name: str, port: int, context: ssl.SSLContext) -> http.client.HTTPSConnection:
    client = http.client.HTTPSConnection(name, port, context=context, timeout=TIMEOUT)
    client.connect()
    return client


# Each returns a client whose connection is in TLS, as ``.sock``.
OPEN: dict[str, Callable[[str, int, ssl.SSLContext], Any]] = {
    "smtp": smtp,
    "imap": imap,
    "pop3": pop3,
    "sieve": sieve,
    "https": https,  # the webmail
    "pages": https,
    "smtps": lambda name, port, context: smtplib.SMTP_SSL(name, port, context=context, timeout=TIMEOUT),
    "imaps": lambda name, port, context: imaplib.IMAP4_SSL(name, port, ssl_context=context, timeout=TIMEOUT),
    "pop3s": lambda name, port, context: poplib.POP3_SSL(name, port, context=context, timeout=TIMEOUT),
}


def trusting(ca_files: Iterable[str]) -> ssl.SSLContext:
    """A context that trusts what the system trusts, and the CAs given (PEM files, those that exist)."""
    context = ssl.create_default_context()
    for path in ca_files:
        if pathlib.Path(path).exists():
            context.load_verify_locations(path)
    return context


def anything() -> ssl.SSLContext:
    """A context that verifies nothing: to look at what is served, whatever it is."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def certificate(kind: str, name: str, port: int, context: ssl.SSLContext) -> None:
    """Say which certificate a port serves (``der``, base64), and why a client that wants ``name`` would refuse it."""
    distrust = ""
    try:
        try:
            client = OPEN[kind](name, port, context)
        except ssl.SSLCertVerificationError as error:
            distrust = error.verify_message
            client = OPEN[kind](name, port, anything())
        der = client.sock.getpeercert(binary_form=True)
        client.sock.close()
        say("certificate", port, distrust, name=name, der=base64.b64encode(der).decode())
    except Exception as error:
        say("certificate", port, f"{type(error).__name__}: {error}", name=name, der=None)


def certificate_on_disk(path: str) -> None:
    """Say which certificate lies on disk: the first of the file, the leaf."""
    try:
        leaf, end, _ = pathlib.Path(path).read_text(encoding="utf-8").partition("-----END CERTIFICATE-----")
        say("disk", 0, path, der=base64.b64encode(ssl.PEM_cert_to_DER_cert(leaf + end)).decode())
    except Exception as error:
        say("disk", None, f"{type(error).__name__}: {error}", der=None)
