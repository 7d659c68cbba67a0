"""From the operator's options and what the host says about itself to a DomainContext for each domain."""

from __future__ import annotations

import base64
import ipaddress
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from deploys.config.reading import errors
from deploys.records.context import DomainContext, Service
from deploys.records.options import Records
from deploys.records.record import is_below
from facts.dns import Publishable

# ManageSieve, IMAP and POP3 as Dovecot opens them, submission as Postfix does.
OFFERED: dict[str, tuple[Service, ...]] = {"imap": ("imap", "imaps"), "pop3": ("pop3", "pop3s"), "sieve": ("sieve",)}
ALWAYS: tuple[Service, ...] = ("submission", "submissions")


def read(records: Records, of_host: Mapping[str, Any], base: Path) -> Records:
    """mail.yaml's options for DNS, and over them those in a host's own data (``dns``); paths start from ``base``.

    Raises SettingsError with every reason at once.
    """
    try:
        own = Records.model_validate(of_host, context={"base": base})
    except ValidationError as error:
        raise errors.SettingsError(errors.as_lines(errors.problems(error, Records))) from None
    return records.model_copy(update={name: getattr(own, name) for name in own.model_fields_set})


def contexts(
    hostname: str,
    domains: Iterable[str],
    webmail: str | None,
    protocols: Iterable[str],
    settings: Records,
    on_host: Publishable,
    pages: Iterable[str] = (),
) -> tuple[DomainContext, ...]:
    """One context for each domain. Declared addresses win over those that the host sees on its own interfaces.

    ``pages``: the domains for which it is served what mta-sts, autoconfig and autodiscover lead to.

    Raises SettingsError for options for a domain that is none of ours, and for a zone that could not be served.
    """
    names = tuple(domains)
    if unknown := sorted(set(settings.domains) - set(names)):
        raise errors.SettingsError(
            [f"dns.domains: {', '.join(unknown)}: is not among domains; add it there, or fix it"]
        )
    paged, reporting = frozenset(pages), _reporting(names, settings)
    own = dict.fromkeys(names).keys()  # in their order, and soon looked up in
    v4, v6 = _declared(settings, 4), _declared(settings, 6)
    return tuple(
        DomainContext(
            domain=domain,
            hostname=hostname,
            v4=v4 if settings.addresses else on_host.v4,
            v6=v6 if settings.addresses else on_host.v6,
            domains=own,
            webmail=webmail,
            offered=frozenset((*ALWAYS, *(one for protocol in protocols for one in OFFERED.get(protocol, ())))),
            dkim=_keys(on_host, domain),
            host_dkim=_keys(on_host, hostname),
            tlsa=on_host.tlsa if settings.tlsa else (),
            pages=domain in paged,
            reports_for=tuple(other for other in reporting.get(domain, ()) if not is_below(other, domain)),
            settings=settings.of(domain),
        )
        for domain in names
    )


def _keys(on_host: Publishable, name: str) -> dict[str, bytes]:
    return {selector: base64.b64decode(key) for selector, key in on_host.dkim.get(name, {}).items()}


def _declared(settings: Records, version: int) -> tuple[str, ...]:
    return tuple(address for address in settings.addresses if ipaddress.ip_address(address).version == version)


def _reporting(names: Iterable[str], settings: Records) -> dict[str, list[str]]:
    """Domain to those whose DMARC reports an address of it reads. (Its own subdomains need no consent.)"""
    found: dict[str, list[str]] = {}
    for other in names:
        for domain in dict.fromkeys(reader.rpartition("@")[2] for reader in settings.of(other).dmarc.rua or ()):
            found.setdefault(domain, []).append(other)
    return found
