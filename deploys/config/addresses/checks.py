"""What no single value shows: addresses that contradict each other."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from deploys.config.addresses import formers, members
from deploys.config.addresses.loops import loops_and_limits
from deploys.config.addresses.options import AUTOMATIC, RESERVED
from deploys.config.addresses.raw import RawAddresses
from deploys.config.addresses.similar import closest
from deploys.config.base import Place, Problem
from deploys.values import hashes
from deploys.values.names import domain_of, untagged

UNIX_NAME = re.compile(r"[a-z_][a-z0-9_-]{0,31}")  # useradd(8)
# Debian's base-passwd, and what the packages of this server add: nobody's personal mailbox.
SYSTEM_USERS = frozenset(
    re.findall(
        r"\S+",
        """
    root daemon bin sys sync games man lp mail news uucp proxy www-data backup list irc _apt nobody systemd-network
    systemd-resolve systemd-timesync messagebus sshd polkitd postfix postdrop dovecot dovenull vmail
""",
    )
)


def contradictions(settings: Mapping[str, Any]) -> list[Problem]:
    """Every contradiction in ``settings``, each with its place; nothing twice that one value's error says."""
    raw = RawAddresses.read(settings)
    problems = [*raw.repeated, *_names(raw), *_passwords(raw), *_own_aliases(raw)]
    problems += _unix_users(raw) if raw.system else ()
    if raw.complete:  # else a misspelt mailbox would be blamed on every alias that leads to it
        problems += [*_foreign_domains(raw), *_nobody_there(raw), *members.problems(raw), *formers.problems(raw)]
    return [*problems, *loops_and_limits(raw)]


def _names(raw: RawAddresses) -> Iterator[Problem]:
    if raw.hostname in raw.domains:
        yield (
            ("hostname",),
            f"{raw.hostname} is also one of domains, so its mail would be taken for Unix users'; "
            f"give the host a name of its own, such as mail.{raw.hostname}",
        )
    for address, place in {**raw.aliases, **raw.mailboxes}.items():
        if address.startswith(f"{RESERVED}@"):
            yield place, f"{RESERVED} is the name of this project's own test mailbox; choose another"


def _passwords(raw: RawAddresses) -> Iterator[Problem]:
    for address, password in raw.passwords.items():
        place = (*raw.mailboxes[address], "password")
        if not raw.system and password is None and address not in raw.members:
            yield place, f"is missing, so nobody could log in; {hashes.HELP}"
        if raw.system and isinstance(password, str) and (kind := _not_for_unix(password)):
            yield place, f"is {kind}, which Unix logins do not read; `script/password --system` makes a hash they do"


def _not_for_unix(password: str) -> str:
    """What kind of hash it is, where it is a good one that crypt(3) does not read."""
    try:
        good = hashes.canonical(password)
    except ValueError:  # said where it stands
        return ""
    kind = hashes.kind(good)
    return "" if hashes.unix(good) else "Argon2" if kind.startswith("ARGON2") else kind


def _own_aliases(raw: RawAddresses) -> Iterator[Problem]:
    for alias, place in raw.aliases.items():
        targets = raw.targets[alias]
        if alias in raw.mailboxes and alias not in targets:
            yield (
                place,
                "a mailbox of this name exists and would never receive again; "
                f"add {alias} to the list to keep a copy, or take the alias away",
            )
        elif alias in targets and alias not in raw.mailboxes:
            yield (
                place,
                f"leads to itself, and there is no mailbox {alias}; declare it under mailboxes, or lead elsewhere",
            )


def _foreign_domains(raw: RawAddresses) -> Iterator[Problem]:
    places = {**raw.mailboxes, **raw.aliases, **{f"@{d}": place for d, (_, place) in raw.catch_all.items()}}
    for address, place in places.items():
        domain = domain_of(address)
        if domain not in raw.domains:
            yield place, f"{domain} is not one of domains; add it there{closest(domain, raw.domains)}"


def _nobody_there(raw: RawAddresses) -> Iterator[Problem]:
    there: dict[str, dict[str, None]] = {}
    for address in (*raw.mailboxes, *raw.aliases):
        there.setdefault(domain_of(address), {})[address] = None
    for target, place in _targets(raw):
        if domain_of(target) in raw.domains and not _is_known(target, raw):
            meant = closest(target, there.get(domain_of(target), ()))
            yield place, f"{target} is neither a mailbox nor an alias; declare it under mailboxes{meant}"


def _targets(raw: RawAddresses) -> Iterator[tuple[str, Place]]:
    for alias, targets in raw.targets.items():
        yield from ((target, place) for target, place in targets.items() if target != alias)
    yield from raw.catch_all.values()
    if raw.postmaster:
        yield raw.postmaster, ("postmaster",)


def _is_known(address: str, raw: RawAddresses) -> bool:
    automatic = address.partition("@")[0] in AUTOMATIC and address != raw.postmaster
    return automatic or any(
        one in raw.mailboxes or one in raw.aliases or raw.former(one) for one in (address, untagged(address))
    )


def _unix_users(raw: RawAddresses) -> Iterator[Problem]:
    first: dict[str, str] = {}
    for address, place in raw.mailboxes.items():
        local = address.partition("@")[0]
        if local in first:
            yield place, f"is the Unix user {local}, as {first[local]} is; make one of them an alias of the other"
        elif local in SYSTEM_USERS:
            yield place, f"{local} is a Unix user of the system's own; choose another name, and make {local} an alias"
        elif not UNIX_NAME.fullmatch(local):
            yield place, f"{local} cannot be a Unix user; use lower-case letters, digits, - and _, at most 32"
        first.setdefault(local, address)
