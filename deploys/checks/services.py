"""Which units run, and whether they run what lies on disk."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from deploys.checks.result import CONVERGE, Check, CheckResult
from deploys.components.apache import services as apache
from deploys.components.dovecot import services as dovecot
from deploys.components.mta_sts import services as sts
from deploys.components.postfix import services as postfix
from deploys.components.postsrsd import services as srs
from deploys.components.postsrsd.render import known
from deploys.components.rspamd import antivirus
from deploys.components.rspamd import services as rspamd
from deploys.components.sieve import services as sieve
from deploys.components.squirrelmail import services as squirrelmail
from deploys.components.unbound import services as unbound
from deploys.config.mailserver import MailServer
from facts.units import Unit
from operations.service import Service

GROUP = "services"


def declared(mail: MailServer, php: str, srs_series: str) -> tuple[Service, ...]:
    """The services that a run with these options converges, in its order, each with what it brings.

    ``php`` (such as ``8.2``, empty: none is to be had) and ``srs_series``: as facts.machine.MachineState has them.
    """
    found = [
        *(unbound.services() if mail.resolves else ()),
        *dovecot.services(mail.tls),
        *sieve.services(),
        *(rspamd.services(mail.filter) if mail.filter else ()),
        *(srs.services(known(srs_series)) if mail.forwards else ()),
        *(sts.services() if mail.sts else ()),
        *postfix.services(mail.tls, mail.resolves),
        *(squirrelmail.services(php) if mail.webmail and php else ()),
        *(apache.services(mail.tls if mail.webmail or mail.pages else None) if _serves_http(mail) else ()),
    ]
    return tuple(one for service in found for one in (service, *map(Service, service.brings)))


def _serves_http(mail: MailServer) -> bool:
    return bool(mail.webmail or mail.pages or mail.tls.by_http)


def lines(units: Mapping[str, Unit]) -> list[CheckResult]:
    """One line for each unit."""
    return [_line(name, unit) for name, unit in units.items()]


def _line(name: str, unit: Unit) -> CheckResult:
    about = Check(key(name), GROUP, name, "runs what lies on disk")
    wrong = _wrong(name, unit)
    if not wrong:
        return about.line(f"{unit.state} since {_clock(unit.since)}", True)
    seen, remedy = wrong
    return about.line(seen, False, remedy)


def key(unit: str) -> str:
    """``services.postfix``; PHP's unit has the release's version in its name, its key has not."""
    return "services." + re.sub(r"^php[0-9.]+-", "php-", re.sub(r"\.(service|socket)$", "", unit))


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
    if unit.blind:
        return "sees another file of name servers than it should", f"{CONVERGE}, which restarts it"
    if unit.stale:
        return (
            f"files changed {_lag(unit)} after it last read them",
            f"{CONVERGE}, which {'restarts' if unit.needs_restart else 'reloads'} it",
        )
    if unit.unproved:
        return f"has not come up yet with the newest files below {', '.join(unit.unproved)}", CONVERGE
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
