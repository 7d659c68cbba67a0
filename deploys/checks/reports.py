"""What others report of messages in our name: DMARC's aggregate reports and TLS-RPT's, read by parsedmarc."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from deploys import site
from deploys.config.mailserver import MailServer
from deploys.result import Check, CheckResult

GROUP = "reports"
DAYS = 8  # most send one a day; a week of them, and the day that it takes them to come
MOST_NAMES = 4
LONGEST = 60  # seconds for all messages together
MOST_DEATHS = 5  # of the reader
WITHOUT_PARSER = "parsedmarc is not installed on this workstation"


@dataclass
class Told:
    """Of one domain: who reported, messages of our own hosts and of others by result, sessions with TLS by result."""

    reporters: set[str] = field(default_factory=set)
    messages: int = 0
    failing: int = 0  # from our own addresses
    elsewhere: Counter[str] = field(default_factory=Counter)  # from other addresses, failing: address to messages
    passing: int = 0  # from other addresses: forwards that kept our signature, a service of ours
    tls_reporters: set[str] = field(default_factory=set)
    sessions: int = 0
    broken: Counter[str] = field(default_factory=Counter)  # kind of failure (RFC 8460, 4.3) to sessions


def readers(mail: MailServer) -> list[str]:
    """The logins of those mailboxes here that reports about our domains come to."""
    addresses: list[str] = []
    for domain in mail.domains:
        settings = mail.records.of(domain)
        own = [f"postmaster@{domain}"]
        addresses += own if settings.dmarc.rua is None else settings.dmarc.rua
        addresses += (settings.tlsrpt.rua or own) if settings.tlsrpt else []
    mailboxes = {box: None for address in addresses for box in mail.directory.expand(address).mailboxes}
    return [mail.directory.login(box) for box in mailboxes]


def results(messages: Iterable[bytes], domains: Sequence[str], own: Sequence[str]) -> list[CheckResult]:
    """Two results for each domain. ``own``: the addresses that our messages leave from.

    Nothing here is proved: anybody can write a report, and it tells of yesterday. So nothing here is a failure.
    """
    if importlib.util.find_spec("parsedmarc") is None:
        return [CheckResult("reports.parser", GROUP, "DMARC and TLS reports", "read", WITHOUT_PARSER, None)]
    told = {domain: Told() for domain in domains}
    read = list(read_apart(list(messages)))
    for report in {_identity(one): one for one in reversed(read) if one}.values():  # one may come twice
        _count(report, told, own)
    found = [result for domain, one in told.items() for result in (_dmarc(domain, one), _tls(domain, one))]
    if unreadable := read.count(None):
        about = Check("reports.unreadable", GROUP, "messages that are no reports", "none")
        found.append(about.result(f"{unreadable}, passed over", True, "look, if somebody's reports are missing here"))
    return found


def read_apart(messages: Sequence[bytes]) -> Iterator[dict[str, Any] | None]:
    """What report_reader makes of each message, None of what is no report. A message that ends the reader is none, and
    the reader begins anew behind it; what is left when the time is over, or after some deaths, is not read."""
    until, done = time.monotonic() + LONGEST, 0
    for _ in range(MOST_DEATHS):
        if done == len(messages):
            return
        for line in _reader(messages[done:], until - time.monotonic()):
            done += 1
            yield json.loads(line)
        if done < len(messages):  # it died of this one
            done += 1
            yield None
    yield from [None] * (len(messages) - done)


def _reader(messages: Sequence[bytes], seconds: float) -> list[bytes]:
    """A result for each message that the reader got through."""
    text = b"".join(b"%d\n%s" % (len(message), message) for message in messages)
    command = [sys.executable, "-m", "deploys.checks.report_reader"]
    with subprocess.Popen(
        command, cwd=site.ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        try:
            output, _ = process.communicate(text, max(seconds, 0))
        except subprocess.TimeoutExpired:
            process.kill()
            output, _ = process.communicate()
    return [line for line in output.splitlines(keepends=True) if line.endswith(b"\n")]


def _identity(report: dict[str, Any]) -> tuple[str, ...]:
    return tuple(str(report.get(word)) for word in ("kind", "who", "number"))


def _count(report: dict[str, Any], told: dict[str, Told], own: Sequence[str]) -> None:
    if report["kind"] == "dmarc" and (one := told.get(report["domain"])):
        one.reporters.add(report["who"])
        for address, count, passes in report["rows"]:
            _count_row(one, address, count, passes, own)
    for domain, sessions, broken in report.get("policies", ()):
        if one := told.get(domain):
            one.tls_reporters.add(report["who"])
            one.sessions += sessions
            one.broken.update(broken)


def _count_row(one: Told, address: str, count: int, passes: bool, own: Sequence[str]) -> None:
    if address in own:
        one.messages += count
        one.failing += 0 if passes else count
    elif passes:
        one.passing += count
    else:
        one.elsewhere[address] += count


def _dmarc(domain: str, one: Told) -> CheckResult:
    about = Check(f"reports.dmarc.{domain}", GROUP, f"DMARC reports {domain}", "messages from here pass")
    if not one.reporters:
        return about.result(f"none in {DAYS} days", None)
    seen = f"{one.messages} messages from here, {one.failing} fail; elsewhere {one.passing} pass"
    seen += f", {one.elsewhere.total()} fail{_among(one.elsewhere, ' (from ')}; by {_some(sorted(one.reporters))}"
    remedies = []
    if one.failing:
        remedies.append("fix the DNS lines above that are not ok; if all are, it was before")
    if one.elsewhere:
        remedies.append("senders elsewhere that fail: a service of yours (spf.include), else forgers (dmarc.policy)")
    return about.result(seen, True, "; ".join(remedies))


def _tls(domain: str, one: Told) -> CheckResult:
    about = Check(f"reports.tls.{domain}", GROUP, f"TLS reports {domain}", "no session fails")
    if not one.tls_reporters:
        return about.result(f"none in {DAYS} days", None)
    seen = f"{one.broken.total()} of {one.sessions} sessions failed{_among(one.broken, ' (')}"
    remedy = "see certificates and inbound; before mta_sts goes to enforce, none may fail" if one.broken else ""
    return about.result(f"{seen}; by {_some(sorted(one.tls_reporters))}", True, remedy)


def _among(counted: Counter[str], before: str) -> str:
    return f"{before}{_some([name for name, _ in counted.most_common()])})" if counted else ""


def _some(names: Sequence[str]) -> str:
    more = len(names) - MOST_NAMES
    return ", ".join(names[:MOST_NAMES]) + (f" and {more} more" if more > 0 else "")
