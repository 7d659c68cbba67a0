"""A certificate authority on the host, for trials and closed networks; and whom the host trusts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pyinfra import host
from pyinfra.api import StringCommand

from facts.ca import TRUSTED_PATH, CaState, LocalCa
from facts.state import CERTIFICATES
from facts.survey import Question, question
from operations.script import script
from operations.survey import ask, looks

_PARTS = ("tree.sh", "trusting.sh")


def _of_directory(directory: str = CERTIFICATES, **_: object) -> list[Question[CaState]]:
    return [question(LocalCa, directory=directory)]


@looks(_of_directory)
def issued(names: Sequence[str], directory: str, placeholder: bool = False, others: str = ""):  # type: ignore[no-untyped-def]
    """
    A certificate for ``names``, signed by a CA that lives on this host and that this host trusts.

    + names: DNS names
    + directory: gets fullchain.pem and privkey.pem (0600); the CA and the keys stay below ca/
    + placeholder: only until another one comes: any that is installed and works stays
    + others: certificates (PEM) of CAs that the host trusts as well

    No key leaves the host, and none is ever replaced or deleted. The certificate lasts 397 days and is issued anew,
    for the same key, when the names differ, fewer than 30 days are left, or it does not verify.
    """
    (about,) = _of_directory(directory)
    there = ask(about)
    if placeholder and there.good and not there.served:
        yield from _trusted_too(there, others)
        return
    fit = there.sound and set(there.names) == set(names)
    if fit and there.served and there.trusted == (there.certificate or "") + others:
        host.noop(f"the local CA's certificate covers {', '.join(sorted(names))}")
        return
    task = "keep" if fit else "issue"
    yield script("ca.sh", directory, task, *names, stdin=others, parts=_PARTS, TRUSTED=TRUSTED_PATH)


@looks(_of_directory)
def trusted(certificate: str | None, directory: str = CERTIFICATES):  # type: ignore[no-untyped-def]
    """
    The one CA that the host trusts for our sake, besides those that Debian knows.

    + certificate: PEM; None: no other
    """
    (about,) = _of_directory(directory)
    there = ask(about)
    if there.trusted == certificate:
        host.noop("the host trusts the declared CAs")
        return
    yield script("trust.sh", stdin=certificate or "", parts=_PARTS, TRUSTED=TRUSTED_PATH)


def _trusted_too(there: CaState, others: str) -> Iterator[StringCommand]:
    """Whom the host trusts now, and ``others``."""
    known = there.trusted or ""
    if others in known:
        host.noop("a certificate is installed")
        return
    yield script("trust.sh", stdin=known + others, parts=_PARTS, TRUSTED=TRUSTED_PATH)
