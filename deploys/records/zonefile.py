"""A zone as BIND, nsd and Knot read it (RFC 1035, section 5)."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from deploys.records.context import DomainContext
from deploys.records.record import Record, RecordType, absolute, is_below, record

# RFC 1912, section 2.2, and RFC 2308, section 5: seconds.
REFRESH, RETRY, EXPIRE, NEGATIVE = 14_400, 3_600, 1_209_600, 3_600


@dataclass(frozen=True)
class Zone:
    """A zone's own data. ``nameservers``: name to addresses (none for a name outside the zone)."""

    name: str
    nameservers: Mapping[str, Sequence[str]]
    hostmaster: str
    ttl: int = 3600
    declared: bool = field(default=False)  # nobody declared the name servers: they are only a guess


def zone_of(context: DomainContext) -> Zone:
    """The zone of one domain: as declared, else with the mail server's own name for its name server.

    Raises ValueError for a name server inside the zone whose addresses nobody said: nobody could ask it.
    """
    declared = context.settings.dns.nameservers
    for server, addresses in declared.items():
        if is_below(server, context.zone) and not addresses and server != context.hostname:
            raise ValueError(f"{server} is inside {context.zone}; say its addresses, {server}: [192.0.2.53]")
    servers = declared or {context.hostname: ()}
    return Zone(context.zone, servers, f"hostmaster@{context.domain}", context.ttl, bool(declared))


def name_servers(zone: Zone) -> tuple[Record, ...]:
    """NS, and the addresses of those inside the zone."""
    names = [absolute(server) for server in zone.nameservers]
    return (
        *record(zone.name, "NS", zone.ttl, names, "the zone's name servers"),
        *(
            one
            for server, addresses in zone.nameservers.items()
            if is_below(server, zone.name)
            for kind, version in _FAMILIES
            for one in record(server, kind, zone.ttl, _of_version(addresses, version), "a name server's address")
        ),
    )


def zone_file(zone: Zone, records: Sequence[Record], serial: int) -> str:
    """The whole zone. Same options and serial in, same text out. Every name is absolute, every record on one line."""
    local, _, domain = zone.hostmaster.partition("@")
    mailbox = local.replace(".", "\\.") + "." + absolute(domain)  # RFC 1035, section 8: the first dot is the @
    master = absolute(next(iter(zone.nameservers)))
    timers = f"{serial} {REFRESH} {RETRY} {EXPIRE} {NEGATIVE}"
    own = [one for one in name_servers(zone) if not _stands_among(one, records)]
    head = [f"$TTL {zone.ttl}", f"{absolute(zone.name)} {zone.ttl} IN SOA {master} {mailbox} {timers}"]
    return "\n".join([*head, lines(own), lines(records)]).rstrip() + "\n"


def lines(records: Sequence[Record]) -> str:
    """The records, one line a value, each kind under its reason; also to be included in a zone kept by hand."""
    text: list[str] = []
    why = ""
    for one in records:
        if one.why != why:
            why = one.why
            text.append(f"; {why}")
        text += [f"{one.name} {one.ttl} IN {one.type} {value}" for value in one.values]
    return "\n".join(text)


def serial_of(text: str) -> int | None:
    """The serial of a zone file that ``zone_file`` wrote; None for any other text."""
    found = re.search(r"^\S+ \d+ IN SOA \S+ \S+ (\d+) ", text, re.MULTILINE)
    return int(found.group(1)) if found else None


def next_zone_file(zone: Zone, records: Sequence[Record], previous: str | None, today: int) -> str:
    """The zone to write over ``previous`` (the text of last time, or None). ``today``: the date as 20261125.

    The serial rises exactly when anything else in the file is new: from the date's first (2026112500), or by one
    from the last where that is further. A run that has nothing to say writes the same bytes again.
    """
    last = serial_of(previous) if previous else None
    if last is not None and zone_file(zone, records, last) == previous:
        return previous
    return zone_file(zone, records, max(today * 100, (last or 0) + 1))


_FAMILIES: tuple[tuple[RecordType, int], ...] = (("A", 4), ("AAAA", 6))


def _of_version(addresses: Sequence[str], version: int) -> list[str]:
    return [address for address in addresses if ipaddress.ip_address(address).version == version]


def _stands_among(one: Record, records: Sequence[Record]) -> bool:
    return any((other.name, other.type) == (one.name, one.type) for other in records)
