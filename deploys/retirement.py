"""What is no longer declared goes away: services of components left out, and files that nothing names."""

from __future__ import annotations

from collections.abc import Collection

from pyinfra.api import deploy

from deploys.components.apache import deploy as apache
from deploys.components.autoconfig import deploy as clients
from deploys.components.dovecot import deploy as dovecot
from deploys.components.host.deploy import UNITS
from deploys.components.mta_sts import render as sts
from deploys.components.postfix import deploy as postfix
from deploys.components.postsrsd import render as srs
from deploys.components.rspamd import render as rspamd
from deploys.components.squirrelmail import deploy as squirrelmail
from deploys.components.tls import options as tls
from deploys.components.unbound import options as resolver
from deploys.config.mailserver import MailServer
from facts.acme import LETSENCRYPT
from operations import config, unit


@deploy("What is no longer declared")
def deploy_retirement(mail: MailServer, php: str, ours: Collection[str], neighbours: bool = False) -> None:
    """Stop the units of components left out, and remove the files of every target not declared. A service that
    never had a file of ours is somebody else's, and goes on.

    ``ours``: the directories that had files of ours when the run began (facts.foreign). ``neighbours``: Apache serves
    others' sites too, so that it goes on without ours.
    """
    for name in _idle(mail, php, neighbours, ours):
        unit.converge(name=f"Stop {name}, which nothing declared needs", unit=name, running=False)
    keep = targets(mail, php)
    if set(ours) - set(keep):
        config.retire(name="Remove files that nothing declares", keep=keep)
    if neighbours and not (mail.webmail or mail.pages or mail.tls.by_http):
        sites = f"{apache.TARGET}/sites-enabled"  # changes when ours go
        unit.converge(name="Let Apache serve the other sites alone", unit="apache2.service", reload_on=[sites])


def _idle(mail: MailServer, php: str, neighbours: bool, ours: Collection[str]) -> list[str]:
    """Units of components that these options leave out, of those that had files of ours (``ours``: the targets)."""
    http = mail.webmail or mail.pages or mail.tls.by_http
    needed = {
        "apache2.service": (http or neighbours, (apache.TARGET,)),
        f"php{php}-fpm.service": (mail.webmail or neighbours, (f"/etc/php/{php}/fpm",)),
        "postsrsd.service": (mail.forwards, tuple(map(srs.target, srs.SERIES))),
        "unbound.service": (mail.resolves, (resolver.DIRECTORY,)),
        sts.UNIT: (mail.sts, (sts.DIRECTORY,)),
        "rspamd.service": (mail.filter, (rspamd.DIRECTORY,)),
        rspamd.MIME: (mail.filter, (UNITS,)),
        f"{rspamd.REDIS}.service": (mail.filter and mail.filter.learn, (UNITS,)),
    }
    return [
        name for name, (wanted, targets) in needed.items() if not wanted and any(target in ours for target in targets)
    ]


def targets(mail: MailServer, php: str) -> tuple[str, ...]:
    """Every target of config.tree in a run with these options."""
    # tls.DIRECTORY always: where the operator's own files once lay, the local authority's lie now, by the same names.
    pages = squirrelmail.targets(php) if mail.webmail else ()
    http = (apache.TARGET,) if mail.webmail or mail.pages or mail.tls.by_http else ()
    own = (clients.TARGET,) if mail.pages else ()
    orders = (LETSENCRYPT,) if mail.tls.acme else ()
    checks = (rspamd.DIRECTORY,) if mail.filter else ()
    names = (resolver.DIRECTORY,) if mail.resolves else ()
    forwarding = tuple(map(srs.target, srs.SERIES)) if mail.forwards else ()
    policies = (sts.DIRECTORY,) if mail.sts else ()
    sni = (tls.SNI_DIRECTORY,) if mail.tls.sni else ()
    return (
        tls.DIRECTORY,
        *sni,
        UNITS,
        *names,
        *forwarding,
        *policies,
        *orders,
        dovecot.TARGET,
        postfix.TARGET,
        *checks,
        *http,
        *own,
        *pages,
    )
