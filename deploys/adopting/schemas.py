"""Databases that a host's Postfix and Dovecot ask, as what they describe. Pure: the rows have been read already.

Known are postfixadmin's tables, and virtual_domains, virtual_users and virtual_aliases, as the usual guides have them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from deploys.adopting import postfixadmin
from deploys.adopting.databases import Asked, Database, DatabaseState
from deploys.adopting.description import Found, FoundMailbox, merged
from deploys.adopting.postfixadmin import Tables, size, text, yes
from deploys.adopting.routes import canonical, routes, served, split

GUIDES = {
    "virtual_domains": ["id", "name", "domain"],
    "virtual_users": ["email", "user", "password", "quota", "name", "active", "enabled"],
    "virtual_aliases": ["source", "destination", "active", "enabled"],
}
WANTED = {**postfixadmin.WANTED, **GUIDES}
_SCHEME = "CRYPT"  # what Dovecot takes for granted, where nobody said so
MOST = 12  # tables that one sentence names


def description(state: DatabaseState) -> Found:
    """What the databases say, all together."""
    return merged(Found(), *(_of(one, state) for one in state.databases))


def _of(database: Database, state: DatabaseState) -> Found:
    source = f"{_KINDS.get(database.kind, database.kind)} database {database.name}"
    if not database.columns and database.name == "?":
        return Found(not_understood=(f"{database.file}, which Postfix asks: {'; '.join(database.errors)}",))
    if database.errors:
        said = "; ".join(dict.fromkeys(database.errors))
        return Found(not_understood=(f"{source} ({database.file}) could not be read: {said}",))
    if all(set(columns) <= set(database.columns.get(table, ())) for table, columns in postfixadmin.NEEDED.items()):
        found = postfixadmin.description(database.rows, source)
    elif {"email", "password"} <= set(database.columns.get("virtual_users", ())):
        found = guide(database.rows, source)
    else:
        return Found(not_understood=_unknown(database, source, state.queries))
    boxes = (replace(_with_scheme(one, state.scheme), source=source) for one in found.mailboxes)
    return replace(found, mailboxes=tuple(boxes))


def guide(tables: Tables, source: str) -> Found:
    """What virtual_domains, virtual_users and virtual_aliases say: an alias has a row for each target, or several
    targets in one."""
    boxes = tuple(
        FoundMailbox(
            address=canonical(text(row, "email")),
            password=text(row, "password") or None,
            quota=size(row),
            name=text(row, "name"),
            active=yes(row, "active") and yes(row, "enabled"),
        )
        for row in tables.get("virtual_users", ())
    )
    live: list[tuple[str, list[str]]] = []
    off: list[str] = []
    for row in tables.get("virtual_aliases", ()):
        if yes(row, "active") and yes(row, "enabled"):
            live.append((text(row, "source"), split(text(row, "destination"))))
        else:
            off.append(text(row, "source"))
    addresses = [one.address for one in boxes]
    found = routes(live, addresses, source)
    names = [text(row, "name") or text(row, "domain") for row in tables.get("virtual_domains", ())]
    return Found(
        domains=served(names, found, addresses),
        mailboxes=boxes,
        aliases=found.aliases,
        catch_all=found.catch_all,
        former_domains=found.former_domains,
        not_understood=(
            *found.not_understood,
            *(f"{source}: the alias {one} is switched off there, so it is left out" for one in off),
        ),
    )


def _with_scheme(box: FoundMailbox, scheme: str) -> FoundMailbox:
    """A hash that says nothing of its kind is of the one that Dovecot takes it for (default_pass_scheme)."""
    bare = box.password is not None and not box.password.startswith(("{", "$"))
    return replace(box, password=f"{{{scheme or _SCHEME}}}{box.password}") if bare else box


def _unknown(database: Database, source: str, queries: Sequence[Asked]) -> tuple[str, ...]:
    names = sorted(database.columns)
    listed = ", ".join(names[:MOST]) + (f" and {len(names) - MOST} more" if len(names) > MOST else "")
    asked = [one for one in queries if one.file == database.file] or list(queries)
    return (
        f"{source} ({database.file}): its tables ({listed or 'none'}) are of no kind that is known, so nobody of it is"
        " in the mail.yaml",
        *(f"{one.file}: what this asks could not be followed ({one.what}): {one.text}" for one in asked),
    )


_KINDS: Mapping[str, str] = {"mysql": "the MySQL", "pgsql": "the PostgreSQL", "sqlite": "the SQLite"}
