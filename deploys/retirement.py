"""What is no longer declared goes away: the services of a room left out, and files of targets that nothing names."""

from __future__ import annotations

from pyinfra.api import deploy

from deploys.apache import deploy as apache
from deploys.clients import deploy as clients
from deploys.dovecot import deploy as dovecot
from deploys.filter import render as rspamd
from deploys.host.deploy import UNITS
from deploys.mailserver import MailServer
from deploys.postfix import deploy as postfix
from deploys.resolver import settings as resolver
from deploys.squirrelmail import deploy as squirrelmail
from deploys.srs import render as srs
from deploys.sts import render as sts
from deploys.tls import settings as tls
from facts.acme import LETSENCRYPT
from operations import config, unit


@deploy("What is no longer declared")
def deploy_retirement(mail: MailServer, php: str) -> None:
    """Stop the units of rooms left out, and remove the files of every target outside the declared ones."""
    if not mail.webmail:
        for name in (*(() if mail.tls.by_http or mail.pages else ("apache2.service",)), f"php{php}-fpm.service"):
            unit.converge(name=f"Stop {name}, which serves nothing declared", unit=name, running=False)
    for name in _idle(mail):
        unit.converge(name=f"Stop {name}, which nothing declared needs", unit=name, running=False)
    config.retire(name="Remove files that nothing declares", keep=targets(mail, php))


def _idle(mail: MailServer) -> list[str]:
    """Units of rooms that these words leave out."""
    needed = {
        "postsrsd.service": mail.forwards,
        "unbound.service": mail.resolves,
        sts.UNIT: mail.sts,
        "rspamd.service": bool(mail.filter),
        rspamd.MIME: bool(mail.filter),
        f"{rspamd.REDIS}.service": bool(mail.filter and mail.filter.learn),
    }
    return [name for name, wanted in needed.items() if not wanted]


def targets(mail: MailServer, php: str) -> tuple[str, ...]:
    """Every target of config.tree in a run with these words."""
    # tls.DIRECTORY always: where the operator's own files once lay, the local authority's lie now, by the same names.
    pages = squirrelmail.targets(php) if mail.webmail else ()
    http = (apache.TARGET,) if mail.webmail or mail.pages or mail.tls.by_http else ()
    own = (clients.TARGET,) if mail.pages else ()
    orders = (LETSENCRYPT,) if mail.tls.acme else ()
    checks = (rspamd.DIRECTORY,) if mail.filter else ()
    names = (resolver.DIRECTORY,) if mail.resolves else ()
    forwarding = tuple(map(srs.target, srs.SERIES)) if mail.forwards else ()
    policies = (sts.DIRECTORY,) if mail.sts else ()
    by_name = (tls.BY_NAME,) if mail.tls.by_name else ()
    return (
        tls.DIRECTORY,
        *by_name,
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
