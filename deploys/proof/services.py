"""Which units run, and whether they run what lies on disk."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from deploys.dovecot import render as dovecot
from deploys.filter import antivirus
from deploys.filter import render as rspamd
from deploys.filter.settings import Filter
from deploys.mailserver import MailServer
from deploys.postfix import render as postfix
from deploys.proof.line import CONVERGE, Check, Line
from deploys.resolver import settings as unbound
from deploys.squirrelmail import render as squirrelmail
from deploys.sts import render as sts
from facts.units import Unit

ROOM = "services"
APACHE = "/etc/apache2"


@dataclass(frozen=True)
class Watch:
    """A unit and the paths whose newest change it must have seen, as its room watches them (facts.units.UnitState)."""

    unit: str
    reload_on: tuple[str, ...]
    restart_on: tuple[str, ...] = ()
    instance: str | None = None


def watches(mail: MailServer, php: str | None) -> tuple[Watch, ...]:
    """The units of a mail host: those that its words ask for; the webmail's only where a ``php`` is installed."""
    # While nobody knows others' MTA-STS policies, or nothing resolves, letters to other hosts wait.
    rooms = (
        (mail.resolves, Watch("unbound.service", (), (unbound.DIRECTORY,))),
        (mail.forwards, Watch("postsrsd.service", ())),
        (mail.sts, Watch(sts.UNIT, (), (sts.DIRECTORY, f"{sts.UNITS}/{sts.DROP_IN}"))),
    )
    units = (
        *(watch for there, watch in rooms if there),
        *(_filter(mail.filter) if mail.filter else ()),
        Watch(
            "postfix.service",
            (postfix.DIRECTORY, *mail.tls.directories),
            (f"{postfix.DIRECTORY}/{postfix.RESTART_PARAMETERS}",),
            instance="postfix@-.service",
        ),
        Watch("dovecot.service", (dovecot.DIRECTORY, *mail.tls.directories)),
    )
    apache = Watch("apache2.service", (f"{APACHE}/local.conf",), (f"{APACHE}/apache2.conf",))
    if not php:
        return (*units, apache) if mail.tls.by_http or mail.pages else units
    return (
        *units,
        replace(apache, reload_on=(*apache.reload_on, mail.tls.chain_path, mail.tls.key_path)),
        Watch(f"php{php}-fpm.service", (f"/etc/php/{php}/fpm", squirrelmail.CONFIGURATION, squirrelmail.HOME)),
    )


def _filter(words: Filter) -> tuple[Watch, ...]:
    """rspamd, Redis where it learns, ClamAV where it is asked for."""
    redis = f"{rspamd.REDIS}.service"
    memory = (Watch(redis, (), (f"{rspamd.UNITS}/{redis}",)),) if words.learn else ()
    viruses = (Watch(antivirus.FETCHER, ()), Watch(antivirus.SCANNER, ())) if words.antivirus else ()
    return (Watch("rspamd.service", (rspamd.DIRECTORY,)), *memory, *viruses)


def lines(units: Mapping[str, Unit]) -> list[Line]:
    """One line for each unit."""
    return [_line(name, unit) for name, unit in units.items()]


def _line(name: str, unit: Unit) -> Line:
    about = Check(key(name), ROOM, name, "runs what lies on disk")
    wrong = _wrong(name, unit)
    if not wrong:
        return about.line(f"{unit.state} since {_clock(unit.since)}", True)
    seen, remedy = wrong
    return about.line(seen, False, remedy)


def key(unit: str) -> str:
    """``services.postfix``; PHP's unit has the release's version in its name, its key has not."""
    return "services." + re.sub(r"^php[0-9.]+-", "php-", unit.removesuffix(".service"))


def _wrong(name: str, unit: Unit) -> tuple[str, str] | None:
    """What is wrong first, and what mends it."""
    if not unit.loaded:
        return "no such unit", CONVERGE
    if not unit.active and name == antivirus.SCANNER:
        return unit.state, f"its signatures may be on their way; else: journalctl -u {antivirus.FETCHER} -n 30"
    if not unit.active:
        return unit.state, f"{CONVERGE}; if it stays down: journalctl -u {name} -n 30"
    if unit.deleted_exe:
        return "runs a program that an upgrade replaced", f"{CONVERGE}, which restarts it"
    if unit.stale:
        return (
            f"files changed {_lag(unit)} after it last read them",
            f"{CONVERGE}, which {'restarts' if unit.needs_restart else 'reloads'} it",
        )
    if unit.need_daemon_reload:
        return "its unit file changed since systemd read it", f"{CONVERGE}, or systemctl daemon-reload"
    if not unit.enabled:
        return "not enabled: it would not come back after a reboot", CONVERGE
    return None


def _lag(unit: Unit) -> str:
    newest = max(filter(None, (unit.newest_reload, unit.newest_restart)), default=0.0)
    return f"{timedelta(seconds=max(1, round(newest - (unit.changed_at or newest))))}"


def _clock(seconds: float | None) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC" if seconds else "an unknown time"
