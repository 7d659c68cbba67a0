"""From the workstation: what only another machine sees. To Dovecot every connection from the host itself is secure."""

from __future__ import annotations

import base64
import imaplib
import poplib
import socket
from collections.abc import Iterable, Sequence

from deploys.checks.expectations import REFUSALS, Expectation, exactly
from deploys.checks.observation import Observation
from deploys.checks.remote.protocols import OPEN, anything
from deploys.result import CheckResult

TIMEOUT = 3  # seconds: a packet filter that drops must not hold up the verification
KINDS = {"imap": "IMAP", "pop3": "POP3"}
NOT_A_SECRET = "not-a-secret"


def observe(addresses: Sequence[str], user: str, seen: Iterable[Observation]) -> list[Observation]:
    """Try to log in without TLS at the ports that could let us. No password of anybody leaves this machine."""
    ports = {143: "imap", 110: "pop3"}
    found = [one for one in seen if one.check == "certificate" and one.code in ports]
    return [_observe(addresses, ports[one.code or 0], one, user) for one in found]


def results(seen: Iterable[Observation]) -> list[CheckResult]:
    """One result for each protocol."""
    return [
        Expectation(
            one.check,
            f"refusals.plain.{one.name}",
            REFUSALS,
            f"{KINDS[one.name]}: login without TLS",
            "refused",
            exactly(0),
        ).result(one)
        for one in seen
    ]


def _observe(addresses: Sequence[str], kind: str, served: Observation, user: str) -> Observation:
    for address in addresses:
        if _is_host(address, served):
            return Observation(f"plain-{kind}", *_try(kind, address, user), name=kind)
    return Observation(
        f"plain-{kind}", None, "cannot know from here: the host's own ports are not reached", kind, unknown=True
    )


def _is_host(address: str, served: Observation) -> bool:
    """Whether this very host answers there, and takes us for another machine: same certificate, two addresses."""
    port = served.code or 0
    try:
        with socket.create_connection((address, port), TIMEOUT) as connection:
            if connection.getsockname()[0] == connection.getpeername()[0]:
                return False
        client = OPEN["imap" if port == 143 else "pop3"](address, port, anything())
        with client.sock as secure:
            return bool(served.der) and secure.getpeercert(binary_form=True) == base64.b64decode(served.der or "")
    except (OSError, imaplib.IMAP4.error, poplib.error_proto, EOFError):
        return False


def _try(kind: str, address: str, user: str) -> tuple[int | None, str]:
    """1 and the answer if a login without TLS got as far as the password, 0 and the answer if it did not."""
    try:
        return _imap(address, user) if kind == "imap" else _pop3(address, user)
    except OSError as error:
        return None, f"{type(error).__name__}: {error}"


def _imap(address: str, user: str) -> tuple[int, str]:
    client = imaplib.IMAP4(address, 143, TIMEOUT)
    disabled = "LOGINDISABLED" in client.capabilities
    try:
        return 1, str(client.login(user, NOT_A_SECRET))
    except imaplib.IMAP4.error as error:
        answer = error.args[0].decode() if isinstance(error.args[0], bytes) else str(error)
        return int(not disabled), answer if disabled else f"LOGINDISABLED is missing; {answer}"
    finally:
        client.shutdown()


def _pop3(address: str, user: str) -> tuple[int, str]:
    client = poplib.POP3(address, 110, TIMEOUT)
    try:
        return 1, client.user(user).decode()
    except poplib.error_proto as error:
        return 0, error.args[0].decode() if isinstance(error.args[0], bytes) else str(error)
    finally:
        client.close()
