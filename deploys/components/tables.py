"""docs/ports.md, from the declarations: every port and socket of a server, and what to back up (script/docs)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any

from deploys.components import all as every
from deploys.components.component import Component, Context
from deploys.config.mailserver import MailServer
from facts.machine import MachineState
from facts.packages import Package

Row = tuple[str, ...]
Fold = Callable[[Component, Context], list[Row]]
NEWER, OLDER = "Debian 13, Ubuntu 26.04", "Debian 12, Ubuntu 22.04 and 24.04"
# What decides which rows there are.
VERSIONS = {
    NEWER: {"dovecot-core": "2.4.1", "php-fpm": "8.4", "postsrsd": "2.0.10", "postfix": "3.10.5"},
    OLDER: {"dovecot-core": "2.3.19", "php-fpm": "8.2", "postsrsd": "1.10", "postfix": "3.7.11"},
}
HASH = "$6$saltsalt$" + 86 * "a"
# All that there is.
WHOLE: Mapping[str, Any] = {
    "hostname": "mail.example.org",
    "domains": ["example.org"],
    "mailboxes": {"tito@example.org": {"password": HASH}},
    "aliases": {"away@example.org": ["tito@example.com"]},
    "tls": {"acme": {"email": "hostmaster@example.org"}},
    "filter": {"antivirus": True},
    "metrics": True,
}
SYSTEM, ROUNDCUBE = "`accounts: system`", "`webmail.program: roundcube`"
# Rows that are there with the one option alone: what they are not with.
BESIDES = {SYSTEM: "`accounts: virtual`", ROUNDCUBE: "`webmail.program: squirrelmail`"}
# What takes rows away, as the page says it.
OPTIONS: Mapping[str, Mapping[str, Any]] = {
    SYSTEM: {"accounts": "system", "mailboxes": {"tito@example.org": {}}},
    "`dovecot.protocols` without imap": {"dovecot": {"protocols": ["pop3", "sieve"]}},
    "`dovecot.protocols` without pop3": {"dovecot": {"protocols": ["imap", "sieve"]}},
    "`dovecot.protocols` without sieve": {"dovecot": {"protocols": ["imap", "pop3"]}},
    "`filter: false`": {"filter": False},
    "`filter.learn: false`": {"filter": {"antivirus": True, "learn": False}},
    "no `filter.antivirus`": {"filter": {}},
    "`resolver: host`": {"resolver": "host"},
    "a `relayhost`": {"relayhost": {"host": "smtp.example.net"}},
    "no alias that leads elsewhere": {"aliases": {}},
    "`webmail: false`": {"webmail": False},
    ROUNDCUBE: {"webmail": {"program": "roundcube"}},
    "`clients: false`": {"clients": False},
    "no `tls.acme`": {"tls": {}},
    "no `metrics`": {"metrics": False},
}
PAGES = ("`webmail: false`", "`clients: false`")  # they share Apache, and its ports
TOGETHER = (*((name,) for name in OPTIONS), PAGES, (*PAGES, "no `tls.acme`"))
HEAD = """# Ports, sockets, and what to back up

Made from what the components declare, by `script/docs`; not to be edited. A server with everything has all of these;
the last column says where a row is missing.

"""
WORLD = """## Open to the world

What a firewall in front of the host lets in (TCP), besides SSH. `deploys/verify.py` fails where one of them is shut,
and where another one is open.

"""
LOCAL = """
## On the host alone

The loopback's ports, and the Unix sockets by which one component asks another. (Sockets within Postfix and within
Dovecot are their own business.)

"""
STATE = """
## What to back up

No run can make it again; the option `backup` keeps it ([backup.md](backup.md)). All else comes back with
`deploys/mail.py`: programs, configuration, the certificates that you bring along, the secret of verify's own mailbox,
viruses' signatures, other domains' MTA-STS policies, Dovecot's indexes, the webmail's sessions.

"""


def ports_text() -> str:
    """docs/ports.md."""
    return "".join(
        (
            HEAD,
            WORLD,
            _table(("Port", "What for", "Component", "Not with"), _rows(_world)),
            LOCAL,
            _table(("Address or socket", "What is answered there", "Component", "Not with"), _rows(_local)),
            STATE,
            _table(("Path", "What", "Component", "Not with"), _rows(_state)),
        )
    )


def _world(one: Component, _: Context) -> list[Row]:
    return [(str(port.port), port.what, one.name) for port in one.listens]


def _local(one: Component, context: Context) -> list[Row]:
    said = [(f"`{place.at}`{' (TCP, UDP)' if place.udp else ''}", place.what, one.name) for place in one.local]
    return [(at.replace(context.php, "VERSION"), what, name) for at, what, name in said]


def _state(one: Component, _: Context) -> list[Row]:
    return [(f"`{kept.path}`", kept.what + ("" if kept.always else ", if any"), one.name) for kept in one.state]


def _rows(of: Fold) -> list[Row]:
    """What ``of`` says of each component, in their order, each row once, and with what it is not there."""
    found = {row: _not_with(of, row) for release in VERSIONS for row in _of(of, release)}
    for option, without in BESIDES.items():
        found |= {row: without for row in _of(of, NEWER, option) if row not in found}
    whole, other = (every.components(_context(NEWER, *options)) for options in ((), (ROUNDCUBE,)))
    order = [part.name for pair in zip(whole, other, strict=True) if (part := pair[0] or pair[1])]
    return sorted(((*row, without) for row, without in found.items()), key=lambda row: order.index(row[2]))


def _not_with(of: Fold, row: Row) -> str:
    """What takes the row away, or another one that begins like it: releases, then options."""
    releases = [release for release in VERSIONS if row not in _of(of, release)]
    there = next(release for release in VERSIONS if release not in releases)
    options: list[tuple[str, ...]] = []
    for names in TOGETHER:
        gone = row[0] not in {left[0] for left in _of(of, there, *names)}
        if gone and not any(set(fewer) < set(names) for fewer in options):
            options.append(names)
    return "; ".join([*releases, *(" and ".join(names) for names in options)])


@cache
def _context(release: str, *options: str) -> Context:
    packages = {name: Package(installed=version) for name, version in VERSIONS[release].items()}
    changes = {key: value for name in options for key, value in OPTIONS[name].items()}
    return Context(MailServer.read({**WHOLE, **changes}), MachineState(packages=packages))


def _of(of: Fold, release: str, *options: str) -> list[Row]:
    context = _context(release, *options)
    return [row for one in every.declared(context) for row in of(one, context)]


def _table(head: Row, rows: Iterable[Row]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join(f"| {' | '.join(line)} |\n".replace("|  |", "| |") for line in lines)
