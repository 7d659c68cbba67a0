"""A certificate authority on the host, for trials and closed circles; and whom the host trusts."""

from __future__ import annotations

from collections.abc import Sequence

from pyinfra import host
from pyinfra.api import operation

from facts.authority import TRUSTED_PATH, Authority, LocalAuthority
from operations.script import script


@operation()
def issued(names: Sequence[str], directory: str):  # type: ignore[no-untyped-def]
    """
    A certificate for ``names``, signed by an authority that lives on this host and that this host trusts.

    + names: DNS names
    + directory: gets fullchain.pem and privkey.pem (0600); the authority and the keys stay below ca/

    No key leaves the host, and none is ever replaced or deleted. The certificate lasts 397 days and is issued anew,
    for the same key, when the names differ, fewer than 30 days are left, or it does not verify.
    """
    there: Authority = host.get_fact(LocalAuthority, directory=directory)
    fit = there.sound and set(there.names) == set(names)
    if fit and there.served and there.trusted:
        host.noop(f"the local authority has certified {', '.join(sorted(names))}")
        return
    yield script("authority.sh", directory, "keep" if fit else "issue", *names, TRUSTED=TRUSTED_PATH)


@operation()
def trusted(certificate: str | None, directory: str = "/etc/ssl/posthaus"):  # type: ignore[no-untyped-def]
    """
    The one authority that the host trusts for our sake, besides those that Debian knows.

    + certificate: PEM; None: no other
    """
    there: Authority = host.get_fact(LocalAuthority, directory=directory)
    if there.trusted == certificate:
        host.noop("the host trusts whom it shall")
        return
    yield script("trust.sh", TRUSTED_PATH, stdin=certificate or "")
