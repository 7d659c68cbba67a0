"""What is different between two states of a server, each as its tables say it. Pure; it looks everything up in sets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from deploys.components.component import Known
from deploys.config.addresses.options import AUTOMATIC
from deploys.values.names import domain_of

Sign = Literal["+", "-", "~"]
SIGNS: tuple[Sign, ...] = ("+", "-", "~")
HERE = "@localhost"  # the row of Postfix's aliases whose target is the postmaster, whatever the host is called


@dataclass(frozen=True)
class Change:
    """One thing that comes, goes or becomes another. ``kind``: mailbox, domain, alias, catch-all, postmaster, option.

    ``old`` and ``new``: of a mailbox and a domain by attribute; ``to`` of what leads somewhere; ``value`` of an
    option. ``became``: the mailbox or domain that takes this one's place.
    """

    kind: str
    sign: Sign
    name: str
    old: Mapping[str, Any] = field(default_factory=dict)
    new: Mapping[str, Any] = field(default_factory=dict)
    became: str = ""


def changes(before: Known, after: Known, moved: Mapping[str, str] | None = None) -> list[Change]:
    """All of them: domains, mailboxes, then what leads to them, then options. ``moved``: former name to the new one."""
    then, now = _spoken(before), _spoken(after)
    found: list[Change] = []
    for kind in now:
        found += _of_kind(kind, then[kind], now[kind], moved or {})
    return found


def publishes_anew(before: Known, after: Known) -> bool:
    """Whether what DNS records are made of, but for keys, is different or was not known."""
    return before.get("dns") != after.get("dns")


def _of_kind(kind: str, then: Mapping[str, Any], now: Mapping[str, Any], moved: Mapping[str, str]) -> Iterator[Change]:
    fresh, gone = now.keys() - then.keys(), then.keys() - now.keys()
    became = {old: moved[old] for old in gone if moved.get(old) in now} if kind in ("mailbox", "domain") else {}
    if kind == "domain":  # its mail still comes under the former name, too
        became |= {old: moved[old] for old in then if moved.get(old) in fresh}
    if kind == "option":
        fresh, gone = _outermost(fresh, now.keys() | then.keys()), _outermost(gone, fresh | gone)
    fresh = fresh - set(became.values())
    yield from (Change(kind, "+", name, new=now[name]) for name in sorted(fresh))
    yield from (Change(kind, "-", name, old=then[name]) for name in sorted(gone - became.keys()))
    yield from (Change(kind, "~", old, then[old], now[new], became=new) for old, new in sorted(became.items()))
    both = sorted(name for name in now.keys() & then.keys() if now[name] != then[name])
    yield from (Change(kind, "~", name, *_differing(then[name], now[name])) for name in both)


def _differing(then: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    names = sorted(name for name in then.keys() | now.keys() if then.get(name) != now.get(name))
    return ({name: then.get(name) for name in names}, {name: now.get(name) for name in names})


def _outermost(paths: Iterable[str], all_paths: Iterable[str]) -> set[str]:
    """Of ``webmail`` and ``webmail.title`` the former tells all: the whole section comes or goes."""
    known = set(all_paths)
    return {path for path in paths if not any(above in known for above in _above(path))}


def _above(path: str) -> Iterator[str]:
    parts = path.split(".")
    return (".".join(parts[:count]) for count in range(1, len(parts)))


def _spoken(known: Known) -> dict[str, Mapping[str, Any]]:
    """The tables' rows as what people call them."""
    routes, domains = known.get("route", {}), known.get("domain", {})
    postmaster = routes.get(HERE, {}).get("to", [""])
    aliases, caught = {}, {}
    for key, row in routes.items():
        local, _, domain = key.rpartition("@")
        if domain not in domains or (local in AUTOMATIC and row["to"] == postmaster):
            continue  # Unix users' mail; what every domain has
        if local:
            aliases[key] = row
        else:
            caught[domain] = row
    return {
        "domain": domains,
        "mailbox": known.get("mailbox", {}),
        "alias": aliases,
        "catch-all": caught,
        "postmaster": {"": {"to": postmaster}} if HERE in routes else {},
        "option": known.get("option", {}),
    }


def of_domain(mailboxes: Iterable[str], domain: str) -> list[str]:
    """Those of one domain."""
    return [address for address in mailboxes if domain_of(address) == domain]
