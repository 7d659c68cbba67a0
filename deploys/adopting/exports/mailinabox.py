"""Mail-in-a-Box: the directory ``mail`` of its storage (/home/user-data/mail), less the messages."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

from deploys.adopting.description import Found, FoundKey, FoundMailbox
from deploys.adopting.exports import places
from deploys.adopting.postfixadmin import Row, text
from deploys.adopting.routes import canonical, routes, served, split
from deploys.values import sizes
from deploys.values.names import domain_of

DATABASE, _KEY = "users.sqlite", "dkim/mail.private"
_ADMINISTRATOR = "administrator"  # of the box's own name: who gets what is for postmaster@ and admin@ all domains


def read(directory: Path, messages: str = "") -> Found:
    """What its database says. ``messages``: where mailboxes/ and sieve/ of that directory were copied to.

    NotAnExportError where there is no database, or another one.
    """
    places.need(directory, DATABASE)
    users, aliases, automatic = _tables(directory / DATABASE)
    notes: list[str] = []
    boxes = tuple(_mailbox(row, messages, notes) for row in users)
    addresses = [one.address for one in boxes]
    own = _own_name(aliases, addresses)
    rows = list(_rows(aliases))
    leads = {source.lower(): list(targets) for source, targets in [*_rows(automatic), *rows]}
    kept = [(source, _followed(targets, own, leads)) for source, targets in rows if domain_of(source.lower()) != own]
    domains = {domain_of(one.lower()) for one in (*addresses, *(source for source, _ in kept))}
    kept += [
        (source, _followed(targets, own, leads))
        for source, targets in _rows(automatic)
        if domain_of(source.lower()) in domains
        and not source.startswith("@")
        and source.lower() not in {each.lower() for each, _ in kept}
    ]
    found = routes(kept, addresses, DATABASE)
    notes += [
        f"{text(row, 'source')}: those who might send as it ({text(row, 'permitted_senders')}) were named one by one;"
        " now those may to whom it leads"
        for row in aliases
        if text(row, "permitted_senders")
    ]
    served_ = served((), found, addresses)
    return Found(
        domains=served_,
        mailboxes=boxes,
        aliases=found.aliases,
        catch_all=found.catch_all,
        former_domains=found.former_domains,
        postmaster=next(iter(leads.get(f"{_ADMINISTRATOR}@{own}", ())), "") if own else "",
        keys=tuple(_keys(directory, served_)),
        not_understood=(*notes, *found.not_understood),
    )


def _tables(path: Path) -> tuple[Sequence[Row], Sequence[Row], Sequence[Row]]:
    """The rows of users, aliases and auto_aliases. What it opens is only read."""
    with closing(sqlite3.connect(f"file:{path.resolve().as_posix()}?mode=ro&immutable=1", uri=True)) as database:
        database.row_factory = sqlite3.Row
        try:
            known = {name for (name,) in map(tuple, database.execute("SELECT name FROM sqlite_master"))}
            if not {"users", "aliases"} <= known:
                raise places.NotAnExportError(f"{path} has no tables users and aliases, so it is not Mail-in-a-Box's")
            users, aliases = (
                [dict(row) for row in database.execute(f"SELECT * FROM {table}")] for table in ("users", "aliases")
            )
            automatic = "auto_aliases" in known and [
                dict(row) for row in database.execute("SELECT * FROM auto_aliases")
            ]
        except sqlite3.DatabaseError as error:
            raise places.NotAnExportError(f"{path} cannot be read as a SQLite database: {error}") from None
    return users, aliases, automatic or []


def _mailbox(row: Row, messages: str, notes: list[str]) -> FoundMailbox:
    address = text(row, "email").strip()
    local, _, domain = address.rpartition("@")
    try:
        quota = sizes.size(text(row, "quota").strip() or "0")
    except ValueError:
        quota = 0
        notes.append(f"{DATABASE}: the quota of {address} has no size in it, so there is no limit")
    return FoundMailbox(
        address=canonical(address),
        password=text(row, "password") or None,
        quota=quota,
        messages=places.maildir(f"{messages.rstrip('/')}/mailboxes" if messages else "", address),
        sieve=f"{messages.rstrip('/')}/sieve/{domain}/{local}.sieve" if messages else "",
        source=DATABASE,
    )


def _rows(table: Sequence[Row]) -> Iterator[tuple[str, list[str]]]:
    """A row without targets only says who may send as it."""
    for row in table:
        if targets := split(text(row, "destination")):
            yield text(row, "source"), targets


def _own_name(aliases: Sequence[Row], mailboxes: Sequence[str]) -> str:
    """The box's own host name: the domain of which nothing but ``administrator`` was set up. "" where there is none."""
    used = [text(row, "source").lower() for row in aliases]
    for source in used:
        local, _, domain = source.partition("@")
        others = [one for one in (*used, *mailboxes) if domain_of(one) == domain and one != source]
        if local == _ADMINISTRATOR and not others:
            return domain
    return ""


def _followed(targets: Sequence[str], own: str, leads: dict[str, list[str]]) -> list[str]:
    """``targets``, those at the box's own name as what they lead to, which is no mail domain any more."""
    found: list[str] = []
    ahead = list(targets)
    seen: set[str] = set()
    for target in ahead:  # which grows meanwhile
        here = target.lower()
        if own and domain_of(here) == own and here in leads and here not in seen:
            ahead += leads[here]
        elif here not in seen:
            found.append(target)
        seen.add(here)
    return found


def _keys(directory: Path, domains: Sequence[str]) -> Iterator[FoundKey]:
    """One key signs for every domain."""
    path = directory / _KEY
    if path.is_file():
        yield from (places.key(domain, path.stem, path) for domain in domains)
