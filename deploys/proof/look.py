"""Look at one host, part by part, and judge."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pyinfra import host, logger, state
from pyinfra.api import StringCommand
from pyinfra.api.arguments import CONNECTOR_ARGUMENT_KEYS
from pyinfra.context import ctx_host

from deploys import site
from deploys.mailserver import MailServer
from deploys.proof import (
    certificates,
    declared,
    exams,
    inbound,
    listeners,
    ordered,
    outside,
    packages,
    reports,
    resolver,
    senders,
    services,
    witness,
)
from deploys.proof.bundle import script
from deploys.proof.line import CONVERGE, Check, Line
from deploys.proof.observation import Observation, observations
from deploys.proof.parts import Parts
from deploys.proof.plan import doors, nobody, plan, probe, undeclared
from deploys.records.authorization import authority_of, authorization_line
from deploys.records.check import check
from deploys.records.gather import read, subjects
from deploys.records.resolver import Resolver
from deploys.records.settings import Records
from deploys.records.subject import Subject
from deploys.resolver.settings import ADDRESS, Forward
from deploys.takeover import look as takeover
from deploys.tls.settings import DIRECTORY
from facts.acme import Ordered, OrderedCertificate
from facts.dns import PublicRecords
from facts.listeners import Listener, Listeners
from facts.machine import Machine, MachineState
from facts.mailboxes import Mailboxes
from facts.packages import Leftovers
from facts.reports import ReportLetters
from facts.resolvers import Resolvers
from facts.units import UnitState

LONGEST = 180  # seconds for all letters, should every single answer hang
About = tuple[tuple[Subject, ...], Sequence[str]]


def everything(mail: MailServer, now: datetime) -> tuple[list[Line], tuple[str, ...]]:
    """All lines, and what only a person can do."""
    parts = Parts()
    look = parts.look
    nothing: list[Line] = []
    unseen: tuple[list[Observation], list[Line]] = ([], [])
    unknown: About = ((), ())
    machine: MachineState = look("machine", lambda: host.get_fact(Machine, _ignore_errors=True), MachineState())
    disk = look(
        "files declared", lambda: declared.wanted(mail, machine, takeover.look(mail, machine)), declared.NOTHING
    )
    pinned: dict[str, Any] = look("SquirrelMail's source", lambda: declared.code(mail), {})
    disk = disk | {"code": pinned}
    seen, broken_off = look("letters", lambda: _examine(mail, disk), unseen)
    listening: list[Listener] = look("listeners", lambda: host.get_fact(Listeners, _ignore_errors=True), [])
    open_ports = host.data.get("open_ports") or ()
    about, lists = look("domains", lambda: _about(mail), unknown) if mail.dns.verify else unknown
    proof = [
        *look("ports", lambda: listeners.lines(doors(mail), listening, open_ports), nothing),
        *look("services", lambda: _services(mail, machine), nothing),
        *look("files", lambda: declared.lines(seen, disk) if seen else [], nothing),
        *look("packages", _packages, nothing),
        *look("resolver", lambda: _resolver(mail), nothing),
        *broken_off,
        *look("certificates", lambda: _certificates(mail, seen, now), nothing),
        *look("the certificate's order", lambda: _order(mail, seen, now), nothing),
        *look("what letters met", lambda: _exams(mail, seen), nothing),
        *look("log-ins from here", lambda: outside.lines(_outside(mail, seen)), nothing),
        *look("dns", lambda: _dns(mail, about, lists, now), nothing),
    ]
    off = undeclared(mail, about, lists)
    lines = [
        *proof,
        *look("senders' rules", lambda: senders.lines(proof, about, seen, mail.forwards, off), nothing),
        *look("inbound", lambda: _inbound(mail, proof, about, listening, seen, off), nothing),
        *look("reports", lambda: _reports(mail, seen) if mail.dns.reports else [], nothing),
    ]
    people = senders.for_a_person(mail.hostname, about[0].addresses, mail.domains) if about else ()
    return [*parts.lines, *lines], people


def _services(mail: MailServer, machine: MachineState) -> list[Line]:
    asked = services.declared(mail, machine.php_version, machine.srs_series)
    return services.lines({one.unit: host.get_fact(UnitState, **one.question, _ignore_errors=True) for one in asked})


def _packages() -> list[Line]:
    return packages.lines(host.get_fact(Leftovers, directories=list(packages.DIRECTORIES), _ignore_errors=True))


def _resolver(mail: MailServer) -> list[Line]:
    if not mail.resolves:
        return []
    forward = mail.resolver.forward if isinstance(mail.resolver, Forward) else ()
    return resolver.lines(forward, host.get_fact(Resolvers, addresses=[ADDRESS, *forward], _ignore_errors=True))


def _certificates(mail: MailServer, seen: list[Observation], now: datetime) -> list[Line]:
    return certificates.lines(seen, mail.names, now, mail.tls.by_name) if seen else []


def _exams(mail: MailServer, seen: list[Observation]) -> list[Line]:
    if not seen:
        return []
    return exams.lines(seen, doors(mail), nobody(mail) is None, mail.domains[1:], bool(mail.filter))


def _outside(mail: MailServer, seen: list[Observation]) -> list[Observation]:
    return outside.observe(_addresses(seen), probe(mail), seen)


def _inbound(
    mail: MailServer,
    proof: Sequence[Line],
    about: tuple[Subject, ...],
    listening: list[Listener],
    seen: list[Observation],
    off: frozenset[str],
) -> list[Line]:
    refusing = [name for name, value in mail.postfix.parameters.items() if re.search("reject_(rbl|rhsbl)_", str(value))]
    full = host.get_fact(Mailboxes, _ignore_errors=True) if about else {}
    if about:
        _tell("trying port 25 from outside")
    witnessed = _witnessed(mail, about)
    return inbound.lines(proof, about, listening, seen, refusing, inbound.greeting, full, witnessed, off)


def _about(mail: MailServer) -> About:
    """What the DNS shall be asked: of each domain, and which blocklists."""
    words = _words(mail)
    next_key = words.next_key if mail.tls.acme else ""  # one that nothing leads to is not published
    on_host = host.get_fact(PublicRecords, keys=words.keys, certificate=mail.tls.chain_path, next_key=next_key)
    page = mail.webmail.hostname if mail.webmail else None
    about = subjects(mail.hostname, mail.domains, page, mail.dovecot.protocols, words, on_host, mail.paged)
    return about, words.blocklists


def _tell(progress: str) -> None:
    """What takes a while is said before it begins."""
    logger.info(f"{host.print_prefix}{progress}")


def _words(mail: MailServer) -> Records:
    return read(mail.records, host.data.get("dns") or {}, site.directory() or site.ROOT)


def _dns(mail: MailServer, about: tuple[Subject, ...], lists: Sequence[str], now: datetime) -> list[Line]:
    """What the DNS says, as others see it: asked from this workstation, or of the resolver that mail.yaml names."""
    if not about:
        return []
    words = _words(mail)
    ask = Resolver(words.resolver, words.resolver_port).ask
    authority = authority_of(mail.tls.acme.directory) if mail.tls.acme else None
    names = (*mail.names, *mail.page_names)
    return [
        *check(about, lists, ask, now.timestamp(), say=_tell),
        *([authorization_line(names, authority, ask)] if authority else []),
    ]


def _witnessed(mail: MailServer, about: tuple[Subject, ...]) -> list[Line]:
    """What another host of this run sees of this one, if there is another and the DNS says where this one is."""
    others = sorted((one for one in state.active_hosts if one is not ctx_host.get()), key=lambda one: one.name)
    if not (others and about and about[0].addresses):
        return []
    other = others[0]
    asked = script("witness", witness.plan(mail, about[0].addresses))
    try:
        _, output = other.run_shell_command(StringCommand("python3 -I -B -"), _stdin=asked, _timeout=witness.LONGEST)
    except TimeoutError:
        return []
    return witness.lines(other.name, observations(output.stdout_lines), mail)


def _reports(mail: MailServer, seen: list[Observation]) -> list[Line]:
    logins = reports.readers(mail)
    letters = host.get_fact(ReportLetters, logins=logins, days=reports.DAYS, _ignore_errors=True) if logins else []
    _tell(f"reading {len(letters)} letters that say they are reports")
    return reports.lines(letters, mail.domains, [*_own_addresses(seen), *mail.dns.addresses])


def _order(mail: MailServer, seen: list[Observation], now: datetime) -> list[Line]:
    """What became of the order; of names that the DNS may not have yet only where the DNS is looked at."""
    if not mail.tls.acme:
        return []
    there: Ordered | None = host.get_fact(OrderedCertificate, directory=DIRECTORY, _ignore_errors=True)
    found = ordered.lines(there, mail.tls.acme, now, certificates.left(seen, now))
    if not mail.dns.verify:
        return found
    return [*found, *ordered.uncovered(there, mail.page_names, [f"mta-sts.{domain}" for domain in mail.policies])]


def _examine(mail: MailServer, disk: Mapping[str, Any]) -> tuple[list[Observation], list[Line]]:
    """Run the examination on the host, as root: the script goes in by stdin, what it saw comes back line by line.

    The second value is a line that fails if it did not get to its end.
    """
    _tell("letters are on their way; this takes some seconds")
    words = dict(host.current_op_global_arguments or {})
    as_root = {key: value for key, value in words.items() if key in CONNECTOR_ARGUMENT_KEYS}
    as_root |= {"_stdin": script(plan={**plan(mail), "disk": disk}), "_timeout": LONGEST}
    command = StringCommand("python3 -I -B -")
    try:
        ok, output = host.run_shell_command(command, **as_root)
    except TimeoutError:
        return [], [_broken_off(f"no end after {LONGEST} s")]
    seen = observations(output.stdout_lines)
    why = output.stderr_lines[-1] if output.stderr_lines else "no reason given"
    return seen, [] if ok else [_broken_off(f"{why}, after {len(seen)} answers")]


def _broken_off(why: str) -> Line:
    about = Check("messages.examination", "letters", "the examination", "runs on the host")
    return about.line(why, False, f"{CONVERGE} first: it installs python3")


def _addresses(seen: list[Observation]) -> list[str]:
    """Where the host may be reached from here: as SSH reaches it, and as it calls itself."""
    ssh = host.data.get("ssh_hostname") or host.name
    return [*([] if ssh.startswith("@") else [ssh]), *_own_addresses(seen)[:1]]


def _own_addresses(seen: list[Observation]) -> list[str]:
    """As the host itself says them."""
    return next((one.seen.split() for one in seen if one.check == "addresses"), [])
