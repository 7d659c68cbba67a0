"""A certificate from an authority that speaks ACME (RFC 8555), by the distribution's certbot."""

from __future__ import annotations

from collections.abc import Sequence

from pyinfra import host, logger, state
from pyinfra.api import StringCommand, operation

from facts.acme import FAILURE, LETSENCRYPT, LINEAGE, Ordered, OrderedCertificate
from facts.authority import TRUSTED_PATH
from operations.script import script


@operation()
def issued(  # type: ignore[no-untyped-def]
    names: Sequence[str],
    optional: Sequence[str],
    directory: str,
    server: str,
    email: str,
    authenticator: str,
    options: Sequence[str] = (),
    webroot: str = "",
    hook: str = "",
    roots: str = "",
):
    """
    A certificate for ``names`` from the authority at ``server``, laid below ``directory`` for all services.

    + names: DNS names, the first is the certificate's own
    + optional: further ones, left out until the DNS leads them to where the first name is (always in, for a challenge
      in the DNS)
    + directory: where ``hook`` lays fullchain.pem and privkey.pem (0600)
    + server: URL of the authority's directory
    + email: whom the authority may write to
    + authenticator: certbot's plugin, as its renewal file calls it
    + options: of certbot, for that plugin; no secrets
    + webroot: where challenges lie, which is made; empty: they go into the DNS, and no name needs an address
    + hook: path of the program that lays the files and reloads the services
    + roots: certificates (PEM) of the only authorities that the host trusts besides those that Debian knows

    Ordered once: again only for other names, another authority or plugin, or where the timer failed to renew. The key
    stays the same. Where nothing comes of it, what is served stays, and the operation fails unless that would do for a
    week more: whole, for all the names, and not one that only holds the place.
    """
    there: Ordered = host.get_fact(OrderedCertificate, directory=directory, optional=list(optional), first=names[0])
    ready = set(there.ready if webroot else optional)
    covered = set(there.names)
    covers = {*names, *ready} <= covered <= {*names, *optional}
    fit = there.fresh and (there.server, there.authenticator) == (server, authenticator) and covers
    if absent := sorted(set(optional) - ready):
        logger.warning(
            "    %s: the DNS does not lead here yet: %s (no certificate for them)", host.name, ", ".join(absent)
        )
    if fit and there.served and there.renews and not there.failure and (there.trusted or "") == roots:
        host.noop(f"certified until a quarter of its time is left: {', '.join(names)}")
        return
    arguments = [directory, "deliver" if fit else "order", hook, webroot, str(len(names)), *names]
    arguments += [str(len(ready - set(names))), *sorted(ready - set(names))]
    arguments += ["--server", server, "--email", email, "--authenticator", authenticator, *options]
    yield _script("acme.sh", *arguments, stdin=roots)
    if state.is_executing:
        _say_what_failed(directory)


@operation()
def ended(directory: str):  # type: ignore[no-untyped-def]
    """
    Renew no certificate that nothing declares any more; certificate and keys stay where they are.

    + directory: as for ``issued``
    """
    there: Ordered = host.get_fact(OrderedCertificate, directory=directory, optional=[], first="")
    if there.server is None or not there.renews:
        host.noop("certbot renews nothing of ours")
        return
    yield _script("acme-end.sh")


def _script(file: str, *arguments: str, stdin: str | None = None) -> StringCommand:
    places = {"FAILURE": FAILURE, "LINEAGE": LINEAGE, "LETSENCRYPT": LETSENCRYPT, "TRUSTED": TRUSTED_PATH}
    return script(file, *arguments, stdin=stdin, parts=("tree.sh", "trusting.sh"), **places)


def _say_what_failed(directory: str) -> None:
    """An order that came to nothing while what is served would do for a week: a warning, not a failure."""
    there: Ordered = host.get_fact(OrderedCertificate, directory=directory, optional=[], first="")
    if there.failure:
        logger.warning("    %s: no new certificate, the old one stays: %s", host.name, there.failure)
