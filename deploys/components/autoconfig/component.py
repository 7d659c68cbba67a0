"""What mail programs ask for to set themselves up, a page for people, and the MTA-STS policy: files for Apache."""

from __future__ import annotations

from functools import partial

from deploys.components.autoconfig import render
from deploys.components.autoconfig.options import DIRECTORY
from deploys.components.autoconfig.site import Site
from deploys.components.component import Component, Context, Tree
from deploys.components.squirrelmail.options import address
from deploys.config.mailserver import MailServer
from deploys.records.context import DomainContext
from deploys.records.transport import mta_sts_policy


def site(mail: MailServer) -> Site:
    """What mail programs must know."""
    return Site(
        hostname=mail.hostname,
        domains=mail.domains,
        protocols=tuple(mail.dovecot.protocols),
        title=mail.webmail.title if mail.webmail and "title" in mail.webmail.model_fields_set else "",
        page=address(mail.webmail or None, mail.hostname),
        sieve="sieve" in mail.dovecot.protocols,
    )


def policies(mail: MailServer) -> dict[str, str]:
    """The MTA-STS policy of each domain that has one, from the very datum of its MX."""
    return {
        domain: mta_sts_policy(DomainContext(domain, mail.hostname, settings=mail.domain_settings[domain]))
        for domain in mail.policy_domains
    }


def component(context: Context) -> Component | None:
    """The pages, unless ``clients: false``."""
    mail = context.mail
    if not mail.pages:
        return None
    return Component(
        "Autoconfig",
        steps=(
            Tree(
                "Write the pages for mail programs",
                DIRECTORY,
                partial(_pages, mail),
                copy=False,
            ),
        ),
    )


def _pages(mail: MailServer) -> dict[str, render.File]:
    return render.pages(site(mail), policies(mail), bool(mail.webmail))
