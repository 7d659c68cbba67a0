"""Dovecot does its work: it takes a message from Postfix, lets the probe in by every protocol, and shows the message.

Runs on the host, under its own python3 alone.
"""

from __future__ import annotations

import base64
import contextlib
import imaplib
import os
import poplib
import smtplib
from collections.abc import Sequence

from deploys.probes.talk import HERE, SECONDS, SUBJECT, Silent, Wrong, anybody, message, secret, stream, tls_at

TLS_PORTS = {"imap": 993, "pop3": 995}


def probe(
    protocols: Sequence[str],
    address: str,
    auth: str,
    lmtp: str,
    quota: str,
    chains: Sequence[tuple[str | None, str | None]],
) -> None:
    """``address``: the probe's. ``auth``, ``lmtp``, ``quota``: the sockets that Postfix connects to. ``chains``: as for
    talk.tls_at."""
    _offers_logins(auth)
    _answers_policy(quota, address)
    token = _takes_a_message(lmtp, address)
    if "sieve" in protocols:
        _sieve(address)
    if "pop3" in protocols:
        _pop3(address, token, take="imap" not in protocols)
    if "imap" in protocols:
        _imap(address, token)
    for protocol in protocols:
        if protocol in TLS_PORTS:
            tls_at(TLS_PORTS[protocol], chains)


def _offers_logins(path: str) -> None:
    """The authentication protocol greets with what it offers (doc.dovecot.org, "Dovecot authentication protocol")."""
    with stream(path) as sock, sock.makefile("rb") as lines:
        sock.sendall(b"VERSION\t1\t2\nCPID\t%d\n" % os.getpid())
        said = []
        for line in lines:
            said.append(line.split(b"\t")[0].strip())
            if said[-1] == b"DONE":
                break
    if b"MECH" not in said or said[-1] != b"DONE":
        raise Wrong(f"{path} offers no way to log in")


def _answers_policy(path: str, address: str) -> None:
    words = f"request=smtpd_access_policy\nprotocol_state=RCPT\nrecipient={address}\nsize=100\n\n"
    with stream(path) as sock:
        sock.sendall(words.encode())
        said = sock.recv(4096).decode("utf-8", "replace").strip()
    if not said.startswith("action=") or said.startswith(("action=4", "action=DEFER")):
        raise Wrong(f"{path} answered Postfix's question about quota with {said or 'nothing'}")


def _takes_a_message(path: str, address: str) -> str:
    token, text = message(address)
    try:
        with smtplib.LMTP(path, timeout=SECONDS) as client:
            client.ehlo("localhost")
            for code, said in (client.mail(address), client.rcpt(address), client.data(text)):
                if code // 100 != 2:
                    raise Wrong(f"LMTP: {code} {said.decode('utf-8', 'replace')}")
    except smtplib.SMTPServerDisconnected as error:
        raise Wrong(f"LMTP: {error}") from None
    return token


def _imap(address: str, token: str) -> None:
    with contextlib.ExitStack() as ends:
        try:
            client = imaplib.IMAP4(HERE, 143, timeout=SECONDS)
        except ConnectionRefusedError:  # an operator may have closed it
            client = imaplib.IMAP4_SSL(HERE, 993, ssl_context=anybody(), timeout=SECONDS)
        ends.callback(_hang_up, client)
        client.login(address, secret())
        _ok(client.select("INBOX"), "SELECT INBOX")
        found = _ok(client.search(None, "HEADER", "Subject", token), "SEARCH")[0].split()
        if not found:
            raise Wrong("what LMTP took is not in the INBOX that IMAP shows")
        if token.encode() not in _ok(client.fetch(found[-1], "(BODY.PEEK[HEADER])"), "FETCH")[0][1]:
            raise Wrong("IMAP shows another message than the one that LMTP took")
        # with it go those of probes that were ended
        for one in _ok(client.search(None, "HEADER", "Subject", f'"{SUBJECT}"'), "SEARCH")[0].split():
            _ok(client.store(one, "+FLAGS.SILENT", r"(\Deleted)"), "STORE")
        _ok(client.expunge(), "EXPUNGE")


def _hang_up(client: imaplib.IMAP4) -> None:
    with contextlib.suppress(OSError, imaplib.IMAP4.error):
        client.logout()


def _ok(answer: tuple[str, list], what: str) -> list:
    if answer[0] != "OK":
        raise Wrong(f"IMAP: {what}: {answer[1]!r}")
    return answer[1]


def _pop3(address: str, token: str, take: bool) -> None:
    try:
        client = poplib.POP3(HERE, 110, timeout=SECONDS)
    except ConnectionRefusedError:
        client = poplib.POP3_SSL(HERE, 995, context=anybody(), timeout=SECONDS)
    try:
        client.user(address)
        client.pass_(secret())
        number, _ = client.stat()
        heads = {one: b"\n".join(client.top(one, 0)[1]) for one in range(1, number + 1)}
        if not any(token.encode() in head for head in heads.values()):
            raise Wrong("what LMTP took is not in the mailbox that POP3 shows")
        for one in (one for one, head in heads.items() if take and SUBJECT.encode() in head):
            client.dele(one)
        client.quit()
    finally:
        client.close()


def _sieve(address: str) -> None:
    """ManageSieve (RFC 5804), as far as logging in goes."""
    words = base64.b64encode(f"\0{address}\0{secret()}".encode()).decode()
    with stream((HERE, 4190)) as sock, sock.makefile("rb") as lines:

        def answer() -> bytes:
            for line in lines:
                if line[:2].upper() in (b"OK", b"NO", b"BY"):
                    return line
            raise Silent("ManageSieve hangs up")

        answer()
        sock.sendall(f'AUTHENTICATE "PLAIN" "{words}"\r\n'.encode())
        if not (said := answer()).upper().startswith(b"OK"):
            raise Wrong(f"ManageSieve: {said.decode('utf-8', 'replace').strip()}")
