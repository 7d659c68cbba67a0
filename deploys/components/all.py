"""The components of a mail server, in the order of a run: the map of the product."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from deploys.components.account import component as account
from deploys.components.apache import component as apache
from deploys.components.archive import component as archive
from deploys.components.autoconfig import component as autoconfig
from deploys.components.backup import component as backup
from deploys.components.bans import component as bans
from deploys.components.certbot import component as certbot
from deploys.components.clamav import component as clamav
from deploys.components.component import (
    UNITS,
    Component,
    Context,
    Directories,
    Listener,
    Local,
    Secret,
    State,
    Table,
    Tree,
)
from deploys.components.dovecot import component as dovecot
from deploys.components.firewall import component as firewall
from deploys.components.host import component as host
from deploys.components.host import restarts, sandbox
from deploys.components.metrics import component as metrics
from deploys.components.mta_sts import component as mta_sts
from deploys.components.postfix import component as postfix
from deploys.components.postsrsd import component as postsrsd
from deploys.components.record import component as record
from deploys.components.roundcube import component as roundcube
from deploys.components.rspamd import component as rspamd
from deploys.components.sending import component as sending
from deploys.components.squirrelmail import component as squirrelmail
from deploys.components.tls import component as tls
from deploys.components.unbound import component as unbound
from deploys.components.updates import component as updates
from deploys.components.watch import component as watch
from operations.directories import Directory
from operations.file import File
from operations.service import Service

COMPONENTS: tuple[Callable[[Context], Component | None], ...] = (
    host.component,  # its name is in certificates, greetings and everybody's configuration
    unbound.component,  # whom all others ask for names
    tls.component,  # before all that serves it
    bans.component,  # whom Dovecot tells of each login
    archive.component,  # notes whose mailbox goes while Dovecot still has it
    dovecot.component,  # its sockets are what Postfix delivers to and asks about passwords
    account.component,  # asks Dovecot, and writes what Dovecot reads
    clamav.component,  # whom rspamd asks
    rspamd.component,  # whom Postfix asks about each message
    postsrsd.component,  # whom Postfix asks for senders
    mta_sts.component,  # whom Postfix asks before it delivers
    sending.component,  # whom Postfix asks about who sends too much
    postfix.component,  # its probe goes by all of these
    squirrelmail.component,  # logs in to Dovecot, sends by Postfix
    roundcube.component,  # likewise; one of the two
    autoconfig.component,  # files that Apache serves
    apache.component,  # serves both
    firewall.component,  # opens the ports of all of these; before a CA looks at port 80
    updates.component,  # of all packages above
    backup.component,  # keeps what all of these have made
    watch.component,  # looks after all of these
    metrics.component,  # written by its program
    record.component,  # all that was declared is so by now
    certbot.component,  # last: a CA somewhere else comes to Apache, and may refuse
)
MADE_OF_OTHERS = (firewall.component, backup.component, watch.component)  # in this order


def components(context: Context) -> tuple[Component | None, ...]:
    """What each of COMPONENTS is under ``context``, None where it is not wanted, so that places stay the same."""
    made = {make: make(context) for make in COMPONENTS if make not in MADE_OF_OTHERS}
    for make in MADE_OF_OTHERS:
        made[make] = make(replace(context, others=tuple(one for one in made.values() if one)))
    return tuple(made[make] for make in COMPONENTS)


def declared(context: Context) -> tuple[Component, ...]:
    """The components that are wanted, in order."""
    return tuple(one for one in components(context) if one)


def packages(found: Iterable[Component]) -> list[str]:
    """The Debian packages of all, sorted."""
    return sorted({package for one in found for package in one.packages})


def background(found: Iterable[Component]) -> str:
    """What a host does beside the first steps once all packages are there: a program for sh."""
    return "\n".join(one.background for one in found if one.background)


def prepare(found: Iterable[Component]) -> str:
    """What a host does before the packages of all are installed: a program for sh."""
    return "\n".join(one.prepare for one in found if one.prepare)


def listeners(found: Iterable[Component]) -> tuple[Listener, ...]:
    """Every port that is open to the world, and no other."""
    return tuple(listener for one in found for listener in one.listens)


def local(found: Iterable[Component]) -> tuple[Local, ...]:
    """Everywhere that programs of the host alone are answered."""
    return tuple(one for part in found for one in part.local)


def state(found: Iterable[Component]) -> tuple[State, ...]:
    """All that must survive the host."""
    return tuple(one for part in found for one in part.state)


def services(found: Iterable[Component]) -> tuple[Service, ...]:
    """What runs, in the order in which it is started."""
    return tuple(service for one in found for service in one.services)


def units(found: Iterable[Component]) -> Tree:
    """The units and drop-ins of all components, one tree."""
    parts = tuple(found)
    return Tree("Write the units of services", UNITS, lambda: _units(parts), copy=False)


def _units(parts: tuple[Component, ...]) -> dict[str, File]:
    own = {path: file for one in parts for path, file in one.units.items()}
    sandboxes = {unit: lines for one in parts for unit, lines in one.sandbox.items()}
    restarted = restarts.drop_ins(unit for one in parts for unit in one.auto_restart)
    return {**restarted, **sandbox.drop_ins(sandboxes), **own}


def trees(found: Iterable[Component]) -> tuple[Tree, ...]:
    """All files of a run."""
    parts = tuple(found)
    return (units(parts), *(tree for one in parts for tree in one.of(Tree)))


def directories(found: Iterable[Component]) -> Mapping[str, Directory]:
    """All directories of a run."""
    return {path: one for part in found for step in part.of(Directories) for path, one in step.directories.items()}


def secrets(found: Iterable[Component]) -> tuple[Secret, ...]:
    """All that is made on the host and stays there."""
    return tuple(secret for one in found for secret in one.secrets)


def tables(found: Iterable[Component]) -> tuple[Table, ...]:
    """The files that say who has what."""
    return tuple(table for one in found for table in one.tables)
