"""What the DNS shall say of a host and its domains, and whether it does: for verify, and for status."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from pyinfra import host, logger

from deploys import site
from deploys.config.mailserver import MailServer
from deploys.records.caa import ca_of, caa_result
from deploys.records.check import check
from deploys.records.collect import contexts, read
from deploys.records.context import DomainContext
from deploys.records.options import Records
from deploys.records.resolver import Resolver
from deploys.result import CheckResult
from facts.dns import Publishable

About = tuple[tuple[DomainContext, ...], Sequence[str]]


def settings_of(mail: MailServer) -> Records:
    """What is said on the DNS in mail.yaml and the inventory."""
    return read(mail.records, host.data.get("dns") or {}, site.directory() or site.ROOT)


def about(mail: MailServer, settings: Records | None, there: Publishable | None) -> About:
    """What the DNS shall be asked: of each domain, and which blocklists."""
    if not (settings and there):
        return (), ()
    page = mail.webmail.hostname if mail.webmail else None
    found = contexts(mail.hostname, mail.domains, page, mail.dovecot.protocols, settings, there, mail.paged)
    return found, settings.blocklists


def results(
    mail: MailServer,
    settings: Records | None,
    about: tuple[DomainContext, ...],
    lists: Sequence[str],
    now: datetime,
) -> list[CheckResult]:
    """What the DNS says, as others see it: asked from this workstation, or of the resolver that mail.yaml names."""
    if not (settings and about):
        return []
    ask = Resolver(settings.resolver, settings.resolver_port).ask
    ca = ca_of(mail.tls.acme.directory) if mail.tls.acme else None
    names = (*mail.names, *mail.page_names)
    return [
        *check(about, lists, ask, now.timestamp(), say=say),
        *([caa_result(names, ca, ask)] if ca else []),
    ]


def say(progress: str) -> None:
    """What takes a while is said before it begins."""
    logger.info(f"{host.print_prefix}{progress}")
