"""Look at one host, part by part, and judge."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from pyinfra import host, state
from pyinfra.api import StringCommand
from pyinfra.context import ctx_host

from deploys import asking
from deploys.checks import (
    acme,
    bans,
    certificates,
    declared,
    expectations,
    external,
    firewall,
    held,
    inbound,
    listeners,
    packages,
    published,
    reports,
    resolver,
    senders,
    services,
    vantage,
)
from deploys.checks.bundle import script
from deploys.checks.hoststate import HostState, forwarders, host_state, said
from deploys.checks.observation import Observation, observations
from deploys.checks.parts import Parts
from deploys.checks.plan import nobody, plan, undeclared
from deploys.checks.published import say
from deploys.components import all as every
from deploys.components.component import Component, Context, Listener
from deploys.config.mailserver import MailServer
from deploys.records.context import DomainContext
from deploys.result import CONVERGE, Check, CheckResult
from deploys.takeover import look as takeover
from facts.machine import Machine, MachineState

LONGEST = 180  # seconds for all messages, should every single answer hang


def everything(mail: MailServer, now: datetime) -> tuple[list[CheckResult], tuple[str, ...]]:
    """All results, and what only a person can do."""
    parts = Parts()
    look = parts.look
    nothing: list[CheckResult] = []
    unseen: tuple[list[Observation], list[CheckResult]] = ([], [])
    unknown: published.About = ((), ())
    machine: MachineState = look("machine", lambda: host.get_fact(Machine, _ignore_errors=True), MachineState())
    context = Context(mail, machine)
    parts_of: tuple[Component, ...] = look("components", lambda: _components(context), ())
    disk = look("files declared", lambda: declared.wanted(parts_of), declared.NOTHING)
    pinned: dict[str, Any] = look("SquirrelMail's source", lambda: declared.code(mail), {})
    disk = disk | {"code": pinned}
    seen, broken_off = look("messages", lambda: _run_on_host(mail, every.listeners(parts_of), disk), unseen)
    settings = look("domains", lambda: published.settings_of(mail), None) if mail.dns.verify else None
    there = host_state(mail, parts_of, settings, parts)  # as it is once the messages have been through
    about, lists = look("domains", lambda: published.about(mail, settings, there.records), unknown)
    checked = [
        *look("ports", lambda: listeners.results(every.listeners(parts_of), there.listeners, mail.open_ports), nothing),
        *(firewall.results(there.rules) if there.rules else []),
        *services.results(there.units),
        *look("files", lambda: declared.results(seen, disk) if seen else [], nothing),
        *(bans.results(there.bans) if there.bans else []),
        *(packages.results(there.leftovers) if there.leftovers else []),
        *(held.results(there.held) if there.held is not None else []),
        *(resolver.results(forwarders(mail), there.resolvers) if there.resolvers else []),
        *broken_off,
        *look("certificates", lambda: _certificates(mail, seen, now), nothing),
        *look("certificate order", lambda: _order(mail, there, seen, now), nothing),
        *look("message checks", lambda: _expectations(mail, every.listeners(parts_of), seen), nothing),
        *look("logins from the workstation", lambda: external.results(_outside(mail, seen)), nothing),
        *look("dns", lambda: published.results(mail, settings, about, lists, now), nothing),
    ]
    off = undeclared(mail, about, lists)
    results = [
        *checked,
        *look("senders' rules", lambda: senders.results(checked, about, seen, mail.forwards, off), nothing),
        *look("inbound", lambda: _inbound(mail, checked, about, there, seen, off), nothing),
        *look("reports", lambda: _reports(mail, there, seen) if mail.dns.reports else [], nothing),
    ]
    manual_steps = senders.manual_steps(mail.hostname, about[0].addresses, mail.domains) if about else ()
    return [*parts.results, *results], manual_steps


def _components(context: Context) -> tuple[Component, ...]:
    """What a run would declare on this host, beside what others configured there."""
    return every.declared(replace(context, foreign=said(takeover.about(context, every.declared(context)))))


def _certificates(mail: MailServer, seen: list[Observation], now: datetime) -> list[CheckResult]:
    return certificates.results(seen, mail.names, now, mail.tls.sni) if seen else []


def _expectations(mail: MailServer, ports: Sequence[Listener], seen: list[Observation]) -> list[CheckResult]:
    if not seen:
        return []
    return expectations.results(seen, ports, nobody(mail) is None, mail.domains[1:], bool(mail.filter))


def _outside(mail: MailServer, seen: list[Observation]) -> list[Observation]:
    return external.observe(_addresses(seen), mail.directory.probe, seen)


def _inbound(
    mail: MailServer,
    checked: Sequence[CheckResult],
    about: tuple[DomainContext, ...],
    there: HostState,
    seen: list[Observation],
    off: frozenset[str],
) -> list[CheckResult]:
    refusing = [name for name, value in mail.postfix.parameters.items() if re.search("reject_(rbl|rhsbl)_", str(value))]
    if about:
        say("trying port 25 from outside")
    from_vantage = _from_vantage(mail, about)
    return inbound.results(
        checked, about, there.listeners, seen, refusing, inbound.greeting, there.mailboxes, from_vantage, off
    )


def _from_vantage(mail: MailServer, about: tuple[DomainContext, ...]) -> list[CheckResult]:
    """What another host of this run sees of this one, if there is another and the DNS says where this one is."""
    others = sorted((one for one in state.active_hosts if one is not ctx_host.get()), key=lambda one: one.name)
    if not (others and about and about[0].addresses):
        return []
    other = others[0]
    asked = script("vantage", vantage.plan(mail, about[0].addresses))
    try:
        _, output = other.run_shell_command(StringCommand("python3 -I -B -"), _stdin=asked, _timeout=vantage.LONGEST)
    except TimeoutError:
        return []
    return vantage.results(other.name, observations(output.stdout_lines), mail)


def _reports(mail: MailServer, there: HostState, seen: list[Observation]) -> list[CheckResult]:
    say(f"reading {len(there.reports)} messages that say they are reports")
    return reports.results(there.reports, mail.domains, [*_own_addresses(seen), *mail.dns.addresses])


def _order(mail: MailServer, there: HostState, seen: list[Observation], now: datetime) -> list[CheckResult]:
    """What became of the order; of names that the DNS may not have yet only where the DNS is looked at."""
    if not mail.tls.acme:
        return []
    found = acme.results(there.certificate, mail.tls.acme, now, certificates.left(seen, now))
    if not mail.dns.verify:
        return found
    return [
        *found,
        *acme.uncovered(there.certificate, mail.page_names, [f"mta-sts.{domain}" for domain in mail.policy_domains]),
    ]


def _run_on_host(
    mail: MailServer, ports: Sequence[Listener], disk: Mapping[str, Any]
) -> tuple[list[Observation], list[CheckResult]]:
    """Run the verification on the host, as root: the script goes in by stdin, what it saw comes back line by line.

    The second value is a result that fails if it did not get to its end.
    """
    say("messages are on their way; this takes some seconds")
    told = script(plan={**plan(mail, ports), "disk": disk})
    try:
        ok, output = asking.run(StringCommand("python3 -I -B -"), _stdin=told, _timeout=LONGEST)
    except TimeoutError:
        return [], [_broken_off(f"no end after {LONGEST} s")]
    seen = observations(output.stdout_lines)
    why = output.stderr_lines[-1] if output.stderr_lines else "no reason given"
    return seen, [] if ok else [_broken_off(f"{why}, after {len(seen)} answers")]


def _broken_off(why: str) -> CheckResult:
    about = Check("messages.verification", "messages", "the verification", "runs on the host")
    return about.result(why, False, f"{CONVERGE} first: it installs python3")


def _addresses(seen: list[Observation]) -> list[str]:
    """Where the host may be reached from here: as SSH reaches it, and as it calls itself."""
    ssh = host.data.get("ssh_hostname") or host.name
    return [*([] if ssh.startswith("@") else [ssh]), *_own_addresses(seen)[:1]]


def _own_addresses(seen: list[Observation]) -> list[str]:
    """As the host itself says them."""
    return next((one.seen.split() for one in seen if one.check == "addresses"), [])
