"""Tables of aliases, as other servers have them, in our terms: aliases, catch-alls, domains of another name. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from deploys.adopting.description import FoundAlias
from deploys.values import names, without_repeats
from deploys.values.names import domain_of

Rows = Iterable[tuple[str, Iterable[str]]]
CAUGHT = "catch-all"  # the local part of an alias for a catch-all with several targets


@dataclass
class Routes:
    """``former_domains``: a domain to the one that its mail is for; ``not_understood``: sentences."""

    aliases: tuple[FoundAlias, ...] = ()
    catch_all: dict[str, str] = field(default_factory=dict)
    former_domains: dict[str, str] = field(default_factory=dict)
    not_understood: list[str] = field(default_factory=list)


def split(targets: str) -> list[str]:
    """The addresses of ``tito@example.org, iqbal@example.org``, as virtual(5) and the usual databases write them."""
    return [one for one in re.split(r"[,\s]+", targets) if one]


def canonical(address: str) -> str:
    """``address`` as mail.yaml has it, if it is one; lower case at least."""
    try:
        return names.address(address.strip())
    except ValueError:
        return address.strip().lower()


def _domain(name: str) -> str:
    try:
        return names.host_name(name)
    except ValueError:
        return name.lower()


def routes(rows: Rows, mailboxes: Collection[str], source: str) -> Routes:
    """What ``rows`` (an address, or @domain for all others there, and its targets) say. An address that stands there
    several times leads to all of its targets. ``mailboxes``: lower case; ``source``: what is read, for sentences."""
    found = Routes()
    leads: dict[str, list[str]] = {}
    for address, targets in rows:
        leads.setdefault(_whole(address), []).extend(one.strip() for one in targets)
    aliases: dict[str, tuple[str, ...]] = {}
    for address, targets in leads.items():
        local, at, domain = address.rpartition("@")
        if not at:
            found.not_understood.append(f"{source}: {address} is no whole address, so its targets are left out")
        elif local:
            if kept := _targets(address, targets, found, source):
                aliases[address] = kept
        elif len(targets) == 1 and targets[0].startswith("@"):
            found.former_domains[domain] = _domain(targets[0][1:])
        elif kept := _targets(address, targets, found, source):
            found.catch_all[domain] = _one(domain, kept, {*leads, *mailboxes}, aliases)
    found.aliases = tuple(
        FoundAlias(address, targets, source) for address, targets in aliases.items() if targets != (address,)
    )
    return found


def _whole(address: str) -> str:
    """``address``, or ``@domain``."""
    text = address.strip()
    return f"@{_domain(text[1:])}" if text.startswith("@") else canonical(text)


def _targets(address: str, targets: Iterable[str], found: Routes, source: str) -> tuple[str, ...]:
    kept = []
    for target in targets:
        try:
            kept.append(names.address(target))
        except ValueError:
            found.not_understood.append(f"{source}: {address} also leads to {target}, which is no address")
    return without_repeats(kept)


def _one(domain: str, targets: tuple[str, ...], taken: Collection[str], aliases: dict[str, tuple[str, ...]]) -> str:
    """The one address that a catch-all may have: its only target, or an alias that leads to all of them. As the domain
    catches everything, that address got mail before, too."""
    if len(targets) == 1:
        return targets[0]
    numbered = (f"{CAUGHT}{number or ''}@{domain}" for number in range(len(taken) + 1))
    alias = next(one for one in numbered if one not in taken)
    aliases[alias] = targets
    return alias


def served(
    domains: Iterable[str], routes: Routes, mailboxes: Iterable[str], former: Mapping[str, str] | None = None
) -> tuple[str, ...]:
    """All domains, in order: those that are known, and those of mailboxes, aliases and catch-alls."""
    addresses = (*mailboxes, *(one.address for one in routes.aliases))
    every = (*domains, *map(domain_of, addresses), *routes.catch_all)
    gone = {**routes.former_domains, **(former or {})}
    return without_repeats(one for one in map(_domain, filter(None, every)) if one not in gone)
