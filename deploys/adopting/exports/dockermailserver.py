"""docker-mailserver: its config directory (/tmp/docker-mailserver in the container), and its mail directory."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from deploys.adopting.description import Found, FoundKey, FoundMailbox
from deploys.adopting.exports import places
from deploys.adopting.routes import canonical, routes, served, split
from deploys.values import sizes

ACCOUNTS = "postfix-accounts.cf"
_QUOTAS, _ALIASES = "dovecot-quotas.cf", "postfix-virtual.cf"
# What else may lie there, and what to do about it. Nothing is said of what Posthaus does by itself.
_OTHERS = {
    "postfix-regexp.cf": "aliases by pattern; write each address that is in use into `aliases`",
    "postfix-aliases.cf": "aliases of Unix users; `postmaster` says who reads root's mail",
    "postfix-main.cf": "parameters of Postfix; `postfix.parameters` takes those that are still wanted",
    "postfix-master.cf": "services of Postfix; there is no option for them",
    "postfix-relaymap.cf": "relay hosts by domain; `domains.DOMAIN.relayhost` takes them",
    "postfix-sasl-password.cf": "passwords for relay hosts; `relayhost.password` takes one",
    "postfix-receive-access.cf": "people who may not receive",
    "dovecot.cf": "settings of Dovecot; `dovecot.settings` takes those that are still wanted",
    "dovecot-masters.cf": "logins that may read everybody's mail; there is no option for them",
    "before.dovecot.sieve": "a filter before everybody's own; there is no option for it",
    "after.dovecot.sieve": "a filter after everybody's own; there is no option for it",
    "user-patches.sh": "commands of yours, run at each start",
    "fetchmail.cf": "mail fetched from elsewhere; there is no option for it",
    "ldap-users.cf": "people in LDAP; they are not read",
    "spamassassin-rules.cf": "rules of SpamAssassin; rspamd has its own",
    "amavis.cf": "settings of Amavis; rspamd takes its place",
    "whitelist_clients.local": "servers that are not delayed; `filter.allow` has those to trust",
}


def read(directory: Path, messages: str = "") -> Found:
    """What the config directory says. ``messages``: where its mail directory was copied to on the new host.

    NotAnExportError where there are no accounts.
    """
    places.need(directory, ACCOUNTS)
    notes: list[str] = []
    quotas = dict(_quotas(directory, notes))
    silent = {line.split()[0].lower() for line in places.content(directory / "postfix-send-access.cf")}
    boxes = tuple(_mailbox(line, quotas, messages, directory, notes) for line in places.content(directory / ACCOUNTS))
    notes += [f"{one} might not send (postfix-send-access.cf); now it may" for one in sorted(silent)]
    rows = [(line.split()[0], split(line.partition(" ")[2])) for line in _spaced(directory / _ALIASES)]
    addresses = [one.address for one in boxes]
    found = routes(rows, addresses, _ALIASES)
    domains = served((), found, addresses)
    return Found(
        domains=domains,
        mailboxes=boxes,
        aliases=found.aliases,
        catch_all=found.catch_all,
        former_domains=found.former_domains,
        keys=tuple(_keys(directory, domains)),
        not_understood=(*notes, *found.not_understood, *_left_alone(directory)),
    )


def _spaced(path: Path) -> list[str]:
    return [re.sub(r"\s+", " ", line) for line in places.content(path)]


def _mailbox(line: str, quotas: dict[str, int], messages: str, directory: Path, notes: list[str]) -> FoundMailbox:
    """``tito@example.org|{SHA512-CRYPT}$6$…|extra fields of Dovecot``"""
    name, _, rest = line.partition("|")
    password, _, extra = rest.partition("|")
    address = canonical(name)
    if extra.strip():
        notes.append(f"{ACCOUNTS}: of {address}, what is only for Dovecot (its third column) is left out")
    place = places.maildir(messages, name.strip())
    if (directory / f"{name.strip()}.dovecot.sieve").is_file() and not place:
        notes.append(f"{name.strip()}.dovecot.sieve: a filter, which lies with the messages, too; those are not taken")
    return FoundMailbox(
        address=address,
        password=password.strip() or None,
        quota=quotas.get(address, 0),
        messages=place,
        sieve=f"{place.removeprefix('maildir:')}/home/.dovecot.sieve" if place else "",
        source=ACCOUNTS,
    )


def _quotas(directory: Path, notes: list[str]) -> Iterator[tuple[str, int]]:
    for line in places.content(directory / _QUOTAS):
        address, _, limit = line.rpartition(":")
        try:
            yield canonical(address), sizes.size(limit.strip())
        except ValueError:
            notes.append(f"{_QUOTAS}: {line} has no size in it, so there is no limit")


def _keys(directory: Path, domains: Iterable[str]) -> Iterator[FoundKey]:
    """rspamd's RSA keys (rsa-BITS-SELECTOR-DOMAIN.private.txt), and OpenDKIM's."""
    for domain in domains:
        for path in sorted((directory / "rspamd" / "dkim").glob(f"rsa-*-*-{domain}.private.txt")):
            selector = path.name.removesuffix(f"-{domain}.private.txt").split("-", 2)[2]
            yield places.key(domain, selector, path)
    yield from places.keys_below(directory / "opendkim" / "keys")


def _left_alone(directory: Path) -> Iterator[str]:
    for name, what in _OTHERS.items():
        if places.content(directory / name):
            yield f"{name}: {what}"
    for name in ("sieve-filter", "sieve-pipe", "rspamd/override.d"):
        own = [path.name for path in sorted((directory / name).glob("*")) if path.name != "dkim_signing.conf"]
        if own:
            yield f"{name}: {', '.join(own)}; there is no option for it"
