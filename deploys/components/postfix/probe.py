"""Postfix does its work: it greets, speaks TLS, lets the probe in, takes its message and brings it to the mailbox.

Runs on the host, under its own python3 alone. Nothing leaves the host: the probe writes to itself.
"""

from __future__ import annotations

import contextlib
import json
import smtplib
import time
from collections.abc import Sequence
from typing import Any

from deploys.probes.talk import (
    HERE,
    SECONDS,
    SUBJECT,
    Silent,
    Wrong,
    anybody,
    command,
    message,
    secret,
    shows,
    stream,
    tls_at,
)

DELIVERY_SECONDS = 5.0
FULL = {452, 552}  # the disk, or the mailbox: no fault of Postfix's


def probe(
    hostname: str,
    address: str,
    postmaster: str,
    chains: Sequence[tuple[str | None, str | None]],
    starttls: bool,
    milters: Sequence[str],
) -> None:
    """``hostname``: as it must greet. ``address``: the probe's; ``postmaster``: an address that must receive.
    ``chains``: as for talk.tls_at. ``starttls``: strangers get TLS. ``milters``: sockets of milters."""
    try:
        _a_stranger_may_write(hostname, postmaster)
        for name, chain in chains[1:] if starttls else ():
            _starttls(25, hostname, name, chain).quit()
        _a_message_arrives(_session(25, hostname, chains[0][1], starttls), "", address)
        tls_at(465, chains)
        client = _session(587, hostname, chains[0][1], True)
        client.login(address, secret())
        _a_message_arrives(client, address, address)
    except smtplib.SMTPResponseException as error:
        silent = [path for path in milters if not _listens(path)]
        if error.smtp_code == 451 and silent:
            raise Wrong(f"rspamd does not answer at {', '.join(silent)}, so Postfix takes nothing") from None
        raise


def _a_stranger_may_write(hostname: str, postmaster: str) -> None:
    """Port 25 up to the recipients, one that must receive and one that nobody knows: what a bad table or network breaks
    is put off, by a code of 4."""
    client = smtplib.SMTP(timeout=SECONDS)
    code, said = client.connect(HERE, 25)
    with client:
        if code != 220 or not said.decode("utf-8", "replace").startswith(f"{hostname} "):
            raise Wrong(f"SMTP: {code} {said.decode('utf-8', 'replace')} (expected 220 {hostname})")
        _expect(client.ehlo(hostname))
        code, said = client.mail("")
        _expect((code, said), FULL)
        if code in FULL:
            return
        _expect(client.rcpt(postmaster), FULL)
        code, said = client.rcpt(f"posthaus-nobody@{postmaster.partition('@')[2]}")
        if code // 100 == 4 and code not in FULL:
            raise smtplib.SMTPResponseException(code, said)


def _session(port: int, hostname: str, chain: str | None, starttls: bool) -> smtplib.SMTP:
    if starttls:
        return _starttls(port, hostname, None, chain)
    client = smtplib.SMTP(HERE, port, timeout=SECONDS)
    _expect(client.ehlo(hostname))
    return client


def _starttls(port: int, hostname: str, name: str | None, chain: str | None) -> smtplib.SMTP:
    client = smtplib.SMTP(timeout=SECONDS)
    client._host = name or ""  # type: ignore[attr-defined]  # what starttls asks for (SNI)
    client.connect(HERE, port)
    client._host = name or HERE  # type: ignore[attr-defined]
    _expect(client.ehlo(hostname))
    where = f"port {port}{f' as {name}' if name else ''}"
    if not client.has_extn("starttls"):
        raise Wrong(f"{where} offers no STARTTLS")
    try:
        _expect(client.starttls(context=anybody()))
    except (OSError, smtplib.SMTPServerDisconnected) as error:
        raise Wrong(f"{where} offers STARTTLS and does not speak it: {error}") from None
    shows(client.sock, chain, where)  # type: ignore[arg-type]
    _expect(client.ehlo(hostname))
    return client


def _a_message_arrives(client: smtplib.SMTP, sender: str, address: str) -> None:
    """From that ``sender`` in this session to the probe's mailbox."""
    token, text = message(address)
    with client:
        for verb, word in ((client.mail, sender), (client.rcpt, address), (client.data, text)):
            code, said = verb(word)
            _expect((code, said), FULL)
            if code in FULL:
                return
    try:
        _wait(token, address)
    finally:
        for entry in _in_queue(token, address):
            command("postsuper", "-d", entry["queue_id"])


def _wait(token: str, address: str) -> None:
    """Until the message with that ``token`` lies in the mailbox, whence it is taken away."""
    until = time.monotonic() + DELIVERY_SECONDS
    while time.monotonic() < until:
        found = command("doveadm", "fetch", "-u", address, "hdr.subject", "mailbox", "*", "text", token)
        if token in found:
            command("doveadm", "expunge", "-u", address, "mailbox", "*", "header", "subject", SUBJECT)
            return
        if found.strip():
            command("doveadm", "expunge", "-u", address, "mailbox", "*", "text", token)
            raise Wrong(f"the message to {address} came back: {found.strip()}")
        reasons = [one.get("delay_reason", "") for entry in _in_queue(token, address) for one in entry["recipients"]]
        if why := " ".join(reasons).strip():
            raise Wrong(f"the message to {address} is not delivered: {why}")
        time.sleep(0.1)
    raise Wrong(f"the message to {address} did not arrive within {DELIVERY_SECONDS:.0f} s")


def _in_queue(token: str, address: str) -> list[dict[str, Any]]:
    """What the queue has of the probe's message (postqueue(1), -j): what passes two smtpds has another number then."""
    entries = []
    for line in command("postqueue", "-j").splitlines():
        with contextlib.suppress(ValueError):
            entry = json.loads(line)
            ours = any(one["address"] == address for one in entry["recipients"])
            if ours and token in command("postcat", "-q", entry["queue_id"]):
                entries.append(entry)
    return entries


def _expect(answer: tuple[int, bytes], also: frozenset[int] | set[int] = frozenset()) -> None:
    code, said = answer
    if code // 100 != 2 and code not in also:
        raise smtplib.SMTPResponseException(code, said)


def _listens(path: str) -> bool:
    try:
        stream(path).close()
    except Silent:
        return False
    return True
