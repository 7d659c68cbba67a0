"""All records of all domains, and in which zone each one stands."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from deploys.records import autoconfig, host, senders, transport
from deploys.records.context import DomainContext
from deploys.records.record import Record, absolute, is_below

OF_THE_HOST = (host.a, host.aaaa, host.host_spf, host.host_dkim, host.host_dmarc, host.tlsa, host.webmail)
LEAD_TO_PAGES = (transport.mta_sts, transport.mta_sts_host, autoconfig.autoconfig, autoconfig.autodiscover)
OF_A_DOMAIN = (
    transport.mx,
    senders.spf,
    senders.dkim,
    senders.dmarc,
    senders.reports_accepted,
    transport.mta_sts,
    transport.mta_sts_host,
    transport.tls_rpt,
    transport.caa,
    autoconfig.autoconfig,
    autoconfig.autodiscover,
    autoconfig.srv,
)


def of_host(context: DomainContext) -> tuple[Record, ...]:
    """The records of the host's own name (PTR is advice, ``host.ptr``, and stands in nobody's zone)."""
    return tuple(record for kind in OF_THE_HOST for record in kind(context))


def of_domain(context: DomainContext) -> tuple[Record, ...]:
    """The records of one domain. A second domain names the same host."""
    kinds = [kind for kind in OF_A_DOMAIN if context.pages or kind not in LEAD_TO_PAGES]
    return tuple(record for kind in kinds for record in kind(context))


def everything(contexts: Sequence[DomainContext]) -> tuple[Record, ...]:
    """The host's records and its domains', each once."""
    host_records = of_host(primary(contexts)) if contexts else ()
    return tuple(dict.fromkeys((*host_records, *(record for one in contexts for record in of_domain(one)))))


def primary(contexts: Sequence[DomainContext]) -> DomainContext:
    """The domain that the host's name belongs to; the first one where it belongs to none."""
    own = [context for context in contexts if is_below(context.hostname, context.domain)]
    return max(own, key=lambda context: len(context.domain), default=contexts[0])


def by_zone(records: Iterable[Record], zones: Iterable[str]) -> dict[str, tuple[Record, ...]]:
    """The records under the innermost of ``zones`` that holds them; under "" what is in none of them."""
    found: dict[str, list[Record]] = {zone: [] for zone in zones}
    sni = {absolute(zone): zone for zone in found}
    for record in records:
        zone = next((sni[name] for name in _upwards(record.name) if name in sni), "")
        found.setdefault(zone, []).append(record)
    return {zone: tuple(inside) for zone, inside in found.items()}


def _upwards(name: str) -> Iterator[str]:
    """``a.example.com.``, ``example.com.``, ``com.``: the name and what it is below, innermost first."""
    here = absolute(name)
    while here and here != ".":
        yield here
        here = here.partition(".")[2]
