"""What was found of a mail server that Posthaus did not make, whoever found it and wherever. Pure: no host."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal, TypeVar

from deploys.config.addresses.options import Accounts

Row = TypeVar("Row", "FoundMailbox", "FoundAlias", "FoundKey")
Program = Literal["squirrelmail", "roundcube"]


@dataclass(frozen=True)
class FoundMailbox:
    """One mailbox. ``password``: its hash as it was found, with or without a scheme (or ``{PLAIN}`` and the password
    itself, which is hashed before it is written down); ``quota``: bytes, 0 for no limit, None where nothing was said.

    ``messages``: where they lie on the host, as Dovecot says it, such as ``maildir:/var/vmail/example.com/iqbal``; ""
    where they lie already where ours do. ``sieve``: the path of the active script on the host. ``active``: whether its
    person may log in. ``source``: where it was found, in words for a comment.
    """

    address: str
    password: str | None = field(default=None, repr=False)
    quota: int | None = None
    messages: str = ""
    sieve: str = ""
    name: str = ""
    active: bool = True
    source: str = ""


@dataclass(frozen=True)
class FoundAlias:
    """``address`` leads to ``targets``, in this order. ``source``: as of FoundMailbox."""

    address: str
    targets: tuple[str, ...]
    source: str = ""


@dataclass(frozen=True)
class FoundRelayhost:
    """Who takes all outgoing mail. ``password``: itself, "" where there is none or it cannot be read."""

    host: str
    port: int = 25
    username: str = ""
    password: str = field(default="", repr=False)
    implicit: bool = False


@dataclass(frozen=True)
class FoundKey:
    """A key that signs a domain's messages (DKIM). ``path``: where it lies on the host; ``key``: its PEM text."""

    domain: str
    selector: str
    path: str = ""
    key: str = field(default="", repr=False)


@dataclass(frozen=True)
class Found:
    """A server, or what one reader found of it. What nobody found is empty; ``merged`` puts several together.

    ``hostname``: its own name; ``postmaster``: who reads root's mail; ``quota``: what a mailbox may
    hold of which nothing is said, in bytes (0 or None: no limit); ``acme``: the mail address of its account with
    Let's Encrypt; ``webmail``: the host name of its webmail, ``program``: which it is; ``vmail``: the numbers of the
    Unix user ``vmail``, where there is one, uid and gid. ``former_domains``: domains to the one that their mail is for,
    under the same names there. ``takeover``: components that others configured, which the
    option has to name. ``not_understood``: sentences for the administrator, without any secret.
    """

    hostname: str = ""
    domains: tuple[str, ...] = ()
    mailboxes: tuple[FoundMailbox, ...] = ()
    aliases: tuple[FoundAlias, ...] = ()
    catch_all: Mapping[str, str] = field(default_factory=dict)
    former_domains: Mapping[str, str] = field(default_factory=dict)
    postmaster: str = ""
    accounts: Accounts | None = None
    message_size: int | None = None
    quota: int | None = None
    relayhost: FoundRelayhost | None = None
    keys: tuple[FoundKey, ...] = ()
    acme: str = ""
    webmail: str = ""
    program: Program | None = None
    vmail: tuple[int, int] | None = None
    takeover: tuple[str, ...] = ()
    not_understood: tuple[str, ...] = ()


def merged(*parts: Found) -> Found:
    """All of ``parts`` as one. Where two say the same thing otherwise the first counts; of a mailbox that several know,
    each fills in what those before it left out."""
    whole = parts[0] if parts else Found()
    for part in parts[1:]:
        whole = Found(
            **{one.name: _both(one.name, getattr(whole, one.name), getattr(part, one.name)) for one in fields(Found)}
        )
    return replace(
        whole, mailboxes=_mailboxes(whole.mailboxes), aliases=_aliases(whole.aliases), keys=_keys(whole.keys)
    )


def _both(name: str, first: Any, second: Any) -> Any:
    if isinstance(first, tuple) and name != "vmail":
        return tuple(dict.fromkeys((*first, *second)))
    if isinstance(first, Mapping):
        return {**second, **first}
    return second if first in ("", None) else first


def _mailboxes(found: Iterable[FoundMailbox]) -> tuple[FoundMailbox, ...]:
    known: dict[str, FoundMailbox] = {}
    for one in found:
        key = one.address.lower()
        first = known.get(key)
        if not first:
            known[key] = one
            continue
        filled = {
            each.name: _both(each.name, getattr(first, each.name), getattr(one, each.name)) for each in fields(one)
        }
        known[key] = FoundMailbox(**{**filled, "active": first.active and one.active})
    return tuple(known.values())


def _aliases(found: Iterable[FoundAlias]) -> tuple[FoundAlias, ...]:
    known: dict[str, FoundAlias] = {}
    for one in found:
        known.setdefault(one.address.lower(), one)
    return tuple(known.values())


def _keys(found: Iterable[FoundKey]) -> tuple[FoundKey, ...]:
    known: dict[str, FoundKey] = {}
    for one in found:
        known.setdefault(one.domain.lower(), one)
    return tuple(known.values())
