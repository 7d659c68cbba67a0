"""The tables of postfixadmin, which mailcow's grew from: mailbox, alias, domain and alias_domain. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from deploys.adopting.description import Found, FoundMailbox
from deploys.adopting.routes import canonical, routes, served, split
from deploys.values.names import domain_of

Row = Mapping[str, Any]
Tables = Mapping[str, Sequence[Row]]
WANTED = {
    "mailbox": ["username", "password", "name", "maildir", "quota", "active", "smtp_active"],
    "alias": ["address", "goto", "active"],
    "domain": ["domain", "backupmx", "transport", "active"],
    "alias_domain": ["alias_domain", "target_domain", "active"],
}
NEEDED = {"mailbox": ("username", "password"), "alias": ("address", "goto")}
_VACATION = "@autoreply."  # where postfixadmin sends what its vacation program answers


def text(row: Row, column: str) -> str:
    """A cell as text; "" for what is NULL or not there."""
    value = row.get(column)
    return "" if value is None else str(value)


def yes(row: Row, column: str, default: bool = True) -> bool:
    """A cell as yes or no, as MySQL, PostgreSQL and their clients write it."""
    value = text(row, column).strip().lower()
    return default if not value else value not in ("0", "f", "false", "no", "n")


def size(row: Row, column: str = "quota") -> int:
    """A limit in bytes; 0 is none, and what is below that too."""
    value = text(row, column).strip()
    return max(0, int(value)) if value.lstrip("-").isdigit() else 0


def description(tables: Tables, source: str, box: Callable[[Row], FoundMailbox] | None = None) -> Found:
    """What the tables say. ``source``: what they are of, for sentences; ``box``: makes a mailbox of its row."""
    notes: list[str] = []
    domains = _domains(tables, source, notes)
    boxes = [(box or mailbox)(row) for row in tables.get("mailbox", ()) if text(row, "username")]
    unlisted = not any("." in text(row, "domain") for row in tables.get("domain", ()))  # not: all are switched off
    here = [one for one in boxes if unlisted or domain_of(one.address) in domains]
    notes += _left_out(boxes, here, source)
    notes += [
        f"{source}: {one.address} took no mail and could not log in; `login: false` keeps people out, and mail arrives"
        for one in here
        if not one.active
    ]
    notes += [
        f"{source}: {text(row, 'username')} might read and not send (smtp_active); now it may do both"
        for row in tables.get("mailbox", ())
        if not yes(row, "smtp_active")
    ]
    found = routes(
        _aliases(tables, source, None if unlisted else domains, notes), [one.address for one in here], source
    )
    former = _alias_domains(tables, source, None if unlisted else domains, notes)
    return Found(
        domains=served(domains, found, [one.address for one in here], former),
        mailboxes=tuple(here),
        aliases=found.aliases,
        catch_all=found.catch_all,
        former_domains={**found.former_domains, **former},
        not_understood=(*notes, *found.not_understood),
    )


def mailbox(row: Row) -> FoundMailbox:
    """A row of postfixadmin's mailbox; where its messages lie, Dovecot knows."""
    return FoundMailbox(
        address=canonical(text(row, "username")),
        password=text(row, "password") or None,
        quota=size(row),
        name=text(row, "name"),
        active=yes(row, "active"),
    )


def _domains(tables: Tables, source: str, notes: list[str]) -> tuple[str, ...]:
    """Those that mail is taken for, into mailboxes. (``ALL`` is who may administrate them all.)"""
    kept = []
    for row in tables.get("domain", ()):
        domain = text(row, "domain").strip().lower()
        if "." not in domain:
            continue
        if not yes(row, "active"):
            notes.append(f"{source}: {domain} is switched off there, so it is left out, with its mailboxes and aliases")
        elif yes(row, "backupmx", default=False) or text(row, "transport").startswith(("smtp", "relay")):
            notes.append(f"{source}: {domain} is handed on to another server (backup MX), which is left out")
        else:
            kept.append(domain)
    return tuple(kept)


def _left_out(boxes: Sequence[FoundMailbox], here: Iterable[FoundMailbox], source: str) -> list[str]:
    known = {one.address for one in here}
    gone = [one.address for one in boxes if one.address not in known]
    return [f"{source}: the mailboxes of domains that are left out: {', '.join(gone)}"] if gone else []


def _aliases(
    tables: Tables, source: str, domains: Sequence[str] | None, notes: list[str]
) -> Iterable[tuple[str, list[str]]]:
    for row in tables.get("alias", ()):
        address = text(row, "address").strip().lower()
        if domains is not None and domain_of(address) not in domains:
            continue
        if not yes(row, "active"):
            notes.append(f"{source}: the alias {address} is switched off there, so it is left out")
            continue
        targets = split(text(row, "goto"))
        if away := [one for one in targets if _VACATION in one]:
            notes.append(f"{source}: {address} is answered by a vacation program; set it anew in the webmail")
            targets = [one for one in targets if one not in away]
        yield address, targets


def _alias_domains(tables: Tables, source: str, domains: Sequence[str] | None, notes: list[str]) -> dict[str, str]:
    """Domains whose mail is for the same names of another one."""
    former = {}
    for row in tables.get("alias_domain", ()):
        old, new = text(row, "alias_domain").strip().lower(), text(row, "target_domain").strip().lower()
        if not yes(row, "active"):
            notes.append(f"{source}: {old} (as {new}) is switched off there, so it is left out")
        elif domains is not None and new not in domains:
            notes.append(f"{source}: {old} stands for {new}, which is left out, and so is it")
        elif old:
            former[old] = new
    return former
