"""The way into both servers: elsewhere with a password, over TLS; here as whoever owns the mailbox."""

from __future__ import annotations

import imaplib
import shlex
import ssl
from collections.abc import Mapping
from typing import Any

from deploys.migrating.program.imap import SECONDS, Failed, Server, text


def elsewhere(about: Mapping[str, Any]) -> Server:
    """``about``: server, port, login, password, ca (a file of the host; empty: not verified). Failed: why not."""
    server, port = about["server"], int(about["port"])
    context = ssl.create_default_context(cafile=about["ca"] or None)
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT  # newer Pythons' own; authorities of one's own are older than it
    if not about["ca"]:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    where = f"{server}:{port}"
    try:
        if port == 143:
            client = imaplib.IMAP4(server, port, timeout=SECONDS)
            client.starttls(context)
        else:
            client = imaplib.IMAP4_SSL(server, port, ssl_context=context, timeout=SECONDS)
    except ssl.SSLCertVerificationError as why:
        raise Failed(
            f"{where}: its certificate is not to be trusted: {why.verify_message.rstrip('.')}. Write the name that"
            " stands in it as server, or give the authority that signed it: --data ca=FILE"
        ) from None
    except ssl.SSLError as why:
        raise Failed(
            f"{where} does not speak TLS as it has to ({reason(why)}); :143 behind its name is STARTTLS"
        ) from None
    except (OSError, imaplib.IMAP4.error) as why:
        raise Failed(f"{where} cannot be reached: {reason(why)}") from None
    try:
        if "AUTH=PLAIN" in client.capabilities:
            client.authenticate("PLAIN", lambda _: f"\0{about['login']}\0{about['password']}".encode())
        else:
            client.login(about["login"], about["password"])
        # before a login many servers name less than they can do
        client.capabilities = tuple(text(client.capability()[1]).upper().split())
    except UnicodeError:  # its words would hold a part of the password
        raise Failed(f"{where} takes no login or password with letters beyond ASCII (it has no AUTH=PLAIN)") from None
    except (OSError, imaplib.IMAP4.abort) as why:
        raise Failed(f"{where}: the connection was lost at the login: {reason(why)}") from None
    except imaplib.IMAP4.error as why:
        said = str(why).replace(about["password"], "…").strip("b'\"")
        raise Failed(f"{where} refuses {about['login']} and the password: {said}") from None
    return Server(client)


def here(login: str) -> Server:
    """A mailbox of this host, as whoever owns it, without a password."""
    try:
        return Server(imaplib.IMAP4_stream(f"exec doveadm exec imap -u {shlex.quote(login)} 2>/dev/null"))
    except (OSError, imaplib.IMAP4.error) as why:
        raise Failed(f"this host has no mailbox {login} yet, or its Dovecot does not run: {why}") from None


def reason(why: Exception) -> str:
    """What is wrong with a connection, without the names that Python's errors have."""
    if isinstance(why, ssl.SSLError):
        return str(why.reason or why).replace("_", " ").lower()
    if isinstance(why, TimeoutError):
        return "nothing answers"
    return str(why.strerror or why) if isinstance(why, OSError) else str(why)
