"""Look at one host, judge, print, keep a report. Nothing is changed, so pyinfra is told of no change."""

from __future__ import annotations

import io
import json
import re
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from pyinfra import host, logger, state
from pyinfra.api import FunctionCommand, QuoteString, StringCommand, deploy, operation
from pyinfra.api.arguments import CONNECTOR_ARGUMENT_KEYS
from pyinfra.api.output import echo, format_text
from pyinfra.context import ctx_host

from deploys import site
from deploys.mailserver import MailServer
from deploys.proof import certificates, exams, inbound, listeners, ordered, outside, reports, senders, services, witness
from deploys.proof.bundle import script
from deploys.proof.line import CONVERGE, Check, Line, failed
from deploys.proof.observation import Observation, observations
from deploys.proof.plan import doors, nobody, plan, probe, undeclared
from deploys.proof.report import Report, table, write
from deploys.records.authorization import authority_of, authorization_line
from deploys.records.check import check
from deploys.records.gather import read, subjects
from deploys.records.resolver import Resolver
from deploys.records.subject import Subject
from deploys.tls.settings import DIRECTORY
from facts.acme import Ordered, OrderedCertificate
from facts.dns import PublicRecords
from facts.listeners import Listeners
from facts.machine import Machine, MachineState
from facts.mailboxes import Mailboxes
from facts.reports import ReportLetters
from facts.units import UnitState

NAME = "Prove that the host serves mail"
REPORTS = Path(__file__).parents[2] / "reports"
LONGEST = 180  # seconds for all letters, should every single answer hang


@deploy("Proof")
def deploy_proof(mail: MailServer) -> None:
    """Prove that ``mail`` is served here: prints a table, writes a report, fails the host if any line fails."""
    if not isinstance(sys.stdin, _Enter):
        sys.stdin = _Enter(sys.stdin)
    # With --json alone, pyinfra never executes, and ends before it prints where all hosts failed: see docs/verify.md.
    prove(name=NAME, mail=mail, _ignore_errors="--json" in sys.argv)


@operation()
def prove(mail: MailServer):  # type: ignore[no-untyped-def]
    """
    Look at the host and judge; no command that changes anything.

    + mail: what the host must do
    """
    if not (state.is_executing or _json_is_the_run()):
        host.noop("the proof changes nothing; it looks when the run executes")
        return
    report = _report(mail)
    page = write(report, REPORTS)
    paint = lambda text, colour: format_text(text, fg=colour, bold=True)  # noqa: E731
    echo(f"\n{table(report, paint)}\n{page}\n", err=True)  # stdout belongs to --json
    if failed(report.lines):
        state.failed_hosts.add(ctx_host.get())
        if state.is_executing:
            yield FunctionCommand(_fail, (), {})


def _fail(state: object, host: object) -> bool:
    """What pyinfra calls to learn that the operation failed."""
    return False


def _json_is_the_run() -> bool:
    """``--json`` without ``-y`` ends before anything executes; a proof alone changes nothing, so it may look then."""
    return "--json" in sys.argv and "--dry" not in sys.argv and state.should_check_for_changes() and _alone()


def _alone() -> bool:
    return all(name.endswith(NAME) for operation in state.op_meta.values() for name in operation.names)


class _Enter(io.TextIOBase):
    """Answers pyinfra's "Press enter to execute": a proof changes nothing that anybody would have to agree to."""

    def __init__(self, person: object) -> None:
        self.person = person

    def readline(self, *size: int) -> str:  # type: ignore[override]
        """Enter if this run only proves; else whatever the person says."""
        return "\n" if _alone() else str(self.person.readline(*size))  # type: ignore[attr-defined]


def _report(mail: MailServer) -> Report:
    began, at = time.monotonic(), datetime.now(UTC)
    try:
        lines, people = _lines(mail, at)
    except Exception as error:  # one host that cannot be looked at must not keep the others from being proved
        lines = [
            Line("host", "host", "the host", "can be looked at", f"{type(error).__name__}: {error}", False, CONVERGE)
        ]
        people = ()
    return Report(host.name, at, time.monotonic() - began, tuple(lines), people)


def _lines(mail: MailServer, now: datetime) -> tuple[list[Line], tuple[str, ...]]:
    """All lines, and what only a person can do."""
    seen, broken_off = _examine(mail)
    machine: MachineState = host.get_fact(Machine, _ignore_errors=True)
    units = {
        one.unit: host.get_fact(UnitState, **one.question, _ignore_errors=True)
        for one in services.declared(mail, machine.php_version, machine.srs_series)
    }
    listening = host.get_fact(Listeners, _ignore_errors=True)
    proof = [
        *listeners.lines(doors(mail), listening, host.data.get("open_ports") or ()),
        *services.lines(units),
        *broken_off,
        *(certificates.lines(seen, mail.names, now, mail.tls.by_name) if seen else []),
        *(_order(mail, seen, now) if mail.tls.acme else []),
        *(exams.lines(seen, doors(mail), nobody(mail) is None, mail.domains[1:], bool(mail.filter)) if seen else []),
        *outside.lines(outside.observe(_addresses(seen), probe(mail), seen)),
    ]
    about, lists, in_dns = _dns(mail, now) if mail.dns.verify else ((), (), [])
    proof += in_dns
    off = undeclared(mail, about, lists)
    refusing = [name for name, value in mail.postfix.parameters.items() if re.search("reject_(rbl|rhsbl)_", str(value))]
    full = host.get_fact(Mailboxes, _ignore_errors=True) if about else {}
    lines = [
        *proof,
        *senders.lines(proof, about, seen, mail.forwards, off),
        *inbound.lines(proof, about, listening, seen, refusing, inbound.greeting, full, _witnessed(mail, about), off),
        *(_reports(mail, seen) if mail.dns.reports else []),
    ]
    people = senders.for_a_person(mail.hostname, about[0].addresses, mail.domains) if about else ()
    return lines, people


def _dns(mail: MailServer, now: datetime) -> tuple[tuple[Subject, ...], Sequence[str], list[Line]]:
    """What the DNS says, as others see it: asked from this workstation, or of the resolver that mail.yaml names.

    Before it: the domains that it was asked about, and the blocklists.
    """
    words = read(mail.records, host.data.get("dns") or {}, site.directory() or site.ROOT)
    logger.info(f"{host.print_prefix}asking the DNS about {', '.join(mail.domains)}")
    next_key = words.next_key if mail.tls.acme else ""  # one that nothing leads to is not published
    on_host = host.get_fact(PublicRecords, keys=words.keys, certificate=mail.tls.chain_path, next_key=next_key)
    page = mail.webmail.hostname if mail.webmail else None
    about = subjects(mail.hostname, mail.domains, page, mail.dovecot.protocols, words, on_host, mail.paged)
    ask = Resolver(words.resolver, words.resolver_port).ask
    authority = authority_of(mail.tls.acme.directory) if mail.tls.acme else None
    names = (*mail.names, *mail.page_names)
    lines = [
        *check(about, words.blocklists, ask, now.timestamp()),
        *([authorization_line(names, authority, ask)] if authority else []),
    ]
    return about, words.blocklists, lines


def _witnessed(mail: MailServer, about: tuple[Subject, ...]) -> list[Line]:
    """What another host of this run sees of this one, if there is another and the DNS says where this one is."""
    others = sorted((one for one in state.active_hosts if one is not ctx_host.get()), key=lambda one: one.name)
    if not (others and about and about[0].addresses):
        return []
    other = others[0]
    command = StringCommand("python3 -I -B -", QuoteString(json.dumps(witness.plan(mail, about[0].addresses))))
    try:
        _, output = other.run_shell_command(command, _stdin=script("witness"), _timeout=witness.LONGEST)
    except TimeoutError:
        return []
    return witness.lines(other.name, observations(output.stdout_lines), mail)


def _reports(mail: MailServer, seen: list[Observation]) -> list[Line]:
    logins = reports.readers(mail)
    letters = host.get_fact(ReportLetters, logins=logins, days=reports.DAYS, _ignore_errors=True) if logins else []
    return reports.lines(letters, mail.domains, [*_own_addresses(seen), *mail.dns.addresses])


def _order(mail: MailServer, seen: list[Observation], now: datetime) -> list[Line]:
    """What became of the order; of names that the DNS may not have yet only where the DNS is looked at."""
    there: Ordered | None = host.get_fact(OrderedCertificate, directory=DIRECTORY, _ignore_errors=True)
    found = ordered.lines(there, mail.tls.acme, now, certificates.left(seen, now))
    if not mail.dns.verify:
        return found
    return [*found, *ordered.uncovered(there, mail.page_names, [f"mta-sts.{domain}" for domain in mail.policies])]


def _examine(mail: MailServer) -> tuple[list[Observation], list[Line]]:
    """Run the examination on the host, as root: the script goes in by stdin, what it saw comes back line by line.

    The second value is a line that fails if it did not get to its end.
    """
    logger.info(f"{host.print_prefix}letters are on their way; this takes some seconds")
    words = dict(host.current_op_global_arguments or {})
    as_root = {key: value for key, value in words.items() if key in CONNECTOR_ARGUMENT_KEYS}
    as_root |= {"_stdin": script(), "_timeout": LONGEST}
    command = StringCommand("python3 -I -B -", QuoteString(json.dumps(plan(mail))))
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
