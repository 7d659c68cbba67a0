"""A certificate from an ACME CA (RFC 8555), by the distribution's certbot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pyinfra import host, logger, state
from pyinfra.api import QuoteString, StringCommand

from facts.acme import (
    FAILURE,
    LETSENCRYPT,
    LINEAGE,
    NEXT_KEY,
    NEXT_SEEN,
    AcmeCertificate,
    AcmeState,
    NextKeySeen,
    Waiting,
)
from facts.ca import TRUSTED_PATH
from facts.survey import Question, question
from operations.script import script
from operations.survey import ask, looks
from operations.telling import takes

ORDER_SECONDS = (5, 60)  # a CA in the lab takes 6; one on the internet looks from several places


@dataclass(frozen=True)
class Order:
    """What is asked of whom.

    + names: DNS names, the first is the certificate's own
    + optional: further ones, left out until the DNS leads them to where the first name is
    + directory: where ``hook`` installs fullchain.pem and privkey.pem (0600)
    + server: URL of the CA's directory
    + email: whom the CA may write to
    + authenticator: certbot's plugin, as its renewal file calls it
    + options: of certbot, for that plugin; no secrets
    + webroot: where challenges lie, which is made; empty: they go into the DNS, and no name needs an address
    + hook: path of the program that installs the files and reloads the services
    + roots: certificates (PEM) of the only CAs that the host trusts besides those that Debian knows
    + next_key: whether the key that comes after this one is made now, so that it can be published
    """

    names: Sequence[str]
    optional: Sequence[str]
    directory: str
    server: str
    email: str
    authenticator: str
    options: Sequence[str] = ()
    webroot: str = ""
    hook: str = ""
    roots: str = ""
    next_key: bool = False


def _of_order(order: Order, **_: object) -> list[Question[AcmeState]]:
    return [_certificate(order.directory, order.optional, order.names[0])]


def _of_rollover(order: Order, **_: object) -> list[Question[Any]]:
    return [question(NextKeySeen), *_of_order(order)]


def _of_end(directory: str) -> list[Question[AcmeState]]:
    return [_certificate(directory)]


def _certificate(directory: str, optional: Sequence[str] = (), first: str = "") -> Question[AcmeState]:
    return question(AcmeCertificate, directory=directory, optional=optional, first=first)


@looks(_of_order)
def issued(order: Order):  # type: ignore[no-untyped-def]
    """
    A certificate for ``order.names``, installed below ``order.directory`` for all services.

    Ordered once: again only for other names, another CA or plugin, or where the timer failed to renew. The key
    stays the same. Where nothing comes of it, what is served stays, and the operation fails unless that would do for a
    week more: whole, for all the names, and not one that only holds the place.
    """
    there = _there(order)
    ready = set(there.ready)
    covered = set(there.names)
    covers = {*order.names, *ready} <= covered <= {*order.names, *order.optional}
    source = (there.server, there.authenticator) == (order.server, order.authenticator)
    fit = there.fresh and source and covers
    if absent := sorted(set(order.optional) - ready):
        logger.warning(
            "    %s: the DNS does not lead here yet: %s (no certificate for them)", host.name, ", ".join(absent)
        )
    whole = there.served and there.renews and not there.failure and (there.next or not order.next_key)
    if fit and whole and (there.trusted or "") == order.roots:
        host.noop(f"the certificate is not due for renewal, and covers {', '.join(order.names)}")
        return
    if not fit:
        takes(f"orders a certificate for {len(order.names)} names of {order.server}", ORDER_SECONDS)
    yield _run("deliver" if fit else "order", order, ready)
    if state.is_executing:
        _say_what_failed(order.directory)


@looks(_of_rollover)
def rolled_over(order: Order, digest: str, lacking: Sequence[str], ttl: int):  # type: ignore[no-untyped-def]
    """
    A new certificate for the key that comes next, which has been published for long enough; and a key after that.

    + order: as for ``issued``
    + digest: SHA-256 of the next key's public half, in hex
    + lacking: which name servers do not have it, in sentences; empty: every one has it
    + ttl: seconds that others may remember what was published before

    Refuses, and changes nothing that is served, until the key was seen at every name server ``ttl`` seconds ago. Where
    no certificate comes of it, certbot has the old key again.
    """
    seen: Waiting = ask(question(NextKeySeen))
    if lacking:
        yield _refusal(f"rm -f {NEXT_SEEN}", f"the next key is not published everywhere: {'; '.join(lacking)}")
        return
    since = seen.since if seen.digest == digest else seen.now
    if seen.now < since + ttl:
        note = f"mkdir -p $(dirname {NEXT_SEEN}) && echo {digest} {since} >{NEXT_SEEN}"
        until = f"{datetime.fromtimestamp(since + ttl, UTC):%Y-%m-%d %H:%M:%S UTC}"
        yield _refusal(note, f"every name server has the next key; others know it from {until} on: run this again then")
        return
    yield _run("roll", order, set(_there(order).ready))


@looks(_of_end)
def ended(directory: str):  # type: ignore[no-untyped-def]
    """
    Stop renewing undeclared certificates any more; certificate and keys stay where they are.

    + directory: as for ``issued``
    """
    there = ask(_certificate(directory))
    if there.server is None or not there.renews:
        host.noop("certbot renews no certificate of ours")
        return
    yield _script("acme-end.sh")


def _there(order: Order) -> AcmeState:
    (about,) = _of_order(order)
    return ask(about)


def _run(task: str, order: Order, ready: set[str]) -> StringCommand:
    others = sorted(ready - set(order.names))
    arguments = [order.directory, task, order.hook, order.webroot, NEXT_KEY if order.next_key else ""]
    arguments += [str(len(order.names)), *order.names, str(len(others)), *others]
    arguments += ["--server", order.server, "--email", order.email, "--authenticator", order.authenticator]
    return _script("acme.sh", *arguments, *order.options, stdin=order.roots)


def _script(file: str, *arguments: str, stdin: str | None = None) -> StringCommand:
    places = {"FAILURE": FAILURE, "LINEAGE": LINEAGE, "LETSENCRYPT": LETSENCRYPT, "TRUSTED": TRUSTED_PATH}
    places["NEXT_SEEN"] = NEXT_SEEN
    return script(file, *arguments, stdin=stdin, parts=("tree.sh", "trusting.sh"), **places)


def _refusal(first: str, why: str) -> StringCommand:
    """A failing command, for an exception would end the run on all hosts."""
    return StringCommand("sh", "-c", QuoteString(f'{first}; printf "%s\\n" "$1" >&2; exit 1'), "sh", QuoteString(why))


def _say_what_failed(directory: str) -> None:
    """An order that came to nothing while what is served would do for a week: a warning, not a failure."""
    there = ask(_certificate(directory))
    if there.failure:
        logger.warning("    %s: no new certificate, the old one stays: %s", host.name, there.failure)
