"""Whether Dovecot takes a password, and the hash that it will. Runs on the host."""

from __future__ import annotations

import base64
import os
import socket

from deploys.components.account.options import SERVICE, SOCKET

SECONDS = 20.0  # Dovecot keeps a wrong answer to itself for two


class UnavailableError(Exception):
    """Dovecot cannot tell now."""


def login(name: str, password: str, service: str = SERVICE) -> str | None:
    """The mailbox that ``name`` and ``password`` open; None: they open none. Errors as of ``opened``."""
    found = opened(name, password, service)
    return found[0] if found else None


def opened(name: str, password: str, service: str = SERVICE) -> tuple[str, str] | None:
    """The same with the note that Dovecot has for the mailbox at this moment; empty: it has no declared password
    (doc.dovecot.org, "Dovecot authentication protocol"). OSError, UnavailableError: nobody knows."""
    response = base64.b64encode(f"\0{name}\0{password}".encode()).decode()
    with socket.socket(socket.AF_UNIX) as sock, sock.makefile("rb") as lines:
        sock.settimeout(SECONDS)
        sock.connect(SOCKET)
        sock.sendall(b"VERSION\t1\t2\nCPID\t%d\n" % os.getpid())
        for line in lines:
            if line == b"DONE\n":
                break
        # nologin: nobody comes to fetch this session. The address is the one that the probe's mailbox may come from.
        words = f"AUTH\t1\tPLAIN\tservice={service}\tsecured\tnologin\tlip=127.0.0.1\trip=127.0.0.1\tresp={response}\n"
        sock.sendall(words.encode())
        said = lines.readline(1 << 16).decode("utf-8", "replace").rstrip("\n").split("\t")
    fields = dict(field.partition("=")[::2] for field in said[2:])
    if said[0] == "OK":
        return fields["user"], fields.get("note", "")
    if said[0] != "FAIL" or "temp" in fields or fields.get("code") == "temp_fail":
        raise UnavailableError(f"Dovecot says {said[0] or 'nothing'}")
    return None


def hashed(password: str) -> str:
    """As script/password makes it: a login costs 19 MiB and some 20 ms."""
    from argon2 import PasswordHasher  # slow to load, and few need it

    return "{ARGON2ID}" + PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1).hash(password)
