"""All checks on the host, in the order of a message's life. ``plan`` is described in plan.py."""

from __future__ import annotations

import pathlib
import signal
import socket
import sys
from typing import Any

from deploys.checks.remote.disk import disk
from deploys.checks.remote.messages import Post
from deploys.checks.remote.outgoing import names, outgoing
from deploys.checks.remote.protocols import attempt, certificate, certificate_on_disk, say, trusting
from deploys.checks.remote.unauthenticated import answer_to, offers_auth, own_addresses, untrusted
from deploys.checks.remote.webmail import PROGRAMS, plain


def run(plan: dict[str, Any]) -> None:
    """Look at everything the plan names, and say it line by line."""
    listen_to_signals(stop)
    stay_here(plan["names"])
    say("addresses", 0, " ".join(own_addresses()))
    certificate_on_disk(plan["chain"])
    context = trusting(plan["ca_files"])
    for kind, name, port in plan["tls"]:
        certificate(kind, name, port, context)
    unauthenticated_client(plan)
    attempt("outgoing", outgoing)
    attempt("names", names, plan["hostname"])
    if "disk" in plan:
        attempt("disk-looked", disk, plan["disk"])
    try:
        secret = pathlib.Path(plan["secret"]).read_text(encoding="utf-8").rstrip("\n")
    except OSError as error:
        say("probe", 0, error)
        return
    say("probe", 1, "its secret lies on the host")
    send_and_read(plan, Post(plan, secret))


def listen_to_signals(handler: Any) -> None:
    """What happens when somebody hangs up or wants us to end."""
    for number in (signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, handler)


def stop(*_: Any) -> None:
    """End by an exception, so that messages are taken away first; once is enough."""
    listen_to_signals(signal.SIG_IGN)
    sys.exit(1)


def stay_here(names: list[str]) -> None:
    """Let the host's own names mean this very host, whatever DNS says: clients below still verify them."""
    resolve = socket.getaddrinfo

    def here(host: Any, *arguments: Any, **options: Any) -> Any:
        return resolve("127.0.0.1" if host in names else host, *arguments, **options)

    socket.getaddrinfo = here


def unauthenticated_client(plan: dict[str, Any]) -> None:
    """What port 25 does with people it does not know, and whether anything offers AUTH where it must not."""
    attempt("auth-25", offers_auth, plan["hostname"], 25, True)
    attempt("auth-587", offers_auth, plan["hostname"], 587, False)
    address = untrusted(own_addresses(), plan["trusted"])
    for check, (sender, recipient) in plan["envelopes"].items():
        if address:
            attempt(check, answer_to, address, sender, recipient)
        else:
            say(check, None, "every address of this host is a trusted one", unknown=True)


def send_and_read(plan: dict[str, Any], post: Post) -> None:
    """Messages sent by every protocol, read by every protocol; none is left, even if this process is told to stop."""
    try:
        for kind, port in (("smtp", 587), ("smtps", 465)):
            attempt(f"send-{port}", post.send, kind, port)
        attempt("send-as-other", post.send_as, plan["other"])
        for kind, port in plan["readers"]:
            attempt(f"read-{port}", post.read, kind, port)
        attempt("headers", post.headers)
        if plan["keys"]:
            attempt("signed", post.signatures, plan["keys"])
            attempt("forged-from", post.forge, plan["other"])
        if plan["sieve"]:
            attempt("sieve", post.log_in_to_sieve, plan["sieve"])
        if plan["account"]:
            attempt("account", post.asks_for_own_password, plan["account"])
        if plan["webmail"]:
            look_at_webmail(plan["webmail"], post)
    finally:
        listen_to_signals(signal.SIG_IGN)
        attempt("clean", post.clean)


def look_at_webmail(where: dict[str, Any], post: Post) -> None:
    """The page, a login, and the same messages once more."""
    browser = PROGRAMS[where["program"]](where["name"], where["port"], post.context)
    attempt("http", plain, where["name"])
    attempt("webmail-page", browser.open_page)
    attempt("webmail-login", browser.log_in, post.probe, post.secret)
    attempt("webmail-messages", browser.listed, post.run)
