"""What others report of letters in our name: DMARC's aggregate reports and TLS-RPT's, read by parsedmarc."""

from __future__ import annotations

import importlib.util
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from deploys.mailserver import MailServer
from deploys.proof.line import Check, Line

ROOM = "reports"
DAYS = 8  # most send one a day; a week of them, and the day that it takes them to come
MOST_NAMES = 4
WITHOUT_PARSER = "parsedmarc is not installed on this workstation"


@dataclass
class Told:
    """Of one domain: who reported, letters of our own hosts and of others by result, sessions with TLS by result."""

    reporters: set[str] = field(default_factory=set)
    letters: int = 0
    failing: int = 0  # from our own addresses
    strangers: Counter[str] = field(default_factory=Counter)  # from other addresses, failing: address to letters
    passing: int = 0  # from other addresses: forwards that kept our signature, a service of ours
    tls_reporters: set[str] = field(default_factory=set)
    sessions: int = 0
    broken: Counter[str] = field(default_factory=Counter)  # kind of failure (RFC 8460, 4.3) to sessions


def readers(mail: MailServer) -> list[str]:
    """The log-ins of those mailboxes here that reports about our domains come to."""
    addresses: list[str] = []
    for domain in mail.domains:
        words = mail.records.of(domain)
        own = [f"postmaster@{domain}"]
        addresses += own if words.dmarc.rua is None else words.dmarc.rua
        addresses += (words.tlsrpt.rua or own) if words.tlsrpt else []
    mailboxes = {box: None for address in addresses for box in mail.directory.expand(address).mailboxes}
    return [mail.directory.login(box) for box in mailboxes]


def lines(letters: Iterable[bytes], domains: Sequence[str], own: Sequence[str]) -> list[Line]:
    """Two lines for each domain. ``own``: the addresses that our letters leave from.

    Nothing here is proved: anybody can write a report, and it tells of yesterday. So nothing here is a failure.
    """
    if importlib.util.find_spec("parsedmarc") is None:
        return [Line("reports.parser", ROOM, "DMARC and TLS reports", "read", WITHOUT_PARSER, None)]
    told = {domain: Told() for domain in domains}
    known: set[tuple[str, str]] = set()
    unreadable = sum(not _read(letter, told, own, known) for letter in letters)
    found = [line for domain, one in told.items() for line in (_dmarc(domain, one), _tls(domain, one))]
    if unreadable:
        about = Check("reports.unreadable", ROOM, "letters that are no reports", "none")
        found.append(about.line(f"{unreadable}, passed over", True, "look"))
    return found


def _read(letter: bytes, told: dict[str, Told], own: Sequence[str], known: set[tuple[str, str]]) -> bool:
    """Count one letter; False if it is no report. ``known``: who sent which, for one may come twice."""
    import parsedmarc  # half a second, and only who wants reports has it

    try:
        parsed: Any = parsedmarc.parse_report_email(letter, offline=True)
    except parsedmarc.ParserError:
        return False
    report = parsed["report"]
    about = report.get("report_metadata", report)
    name = (str(about.get("org_name") or about.get("organization_name")), str(about.get("report_id")))
    if name in known:
        return True
    known.add(name)
    if parsed["report_type"] == "aggregate":
        if one := told.get(report["policy_published"]["domain"].lower()):
            _count(report, one, own)
    elif parsed["report_type"] == "smtp_tls":
        for policy in report["policies"]:
            if one := told.get(policy["policy_domain"].lower()):
                one.tls_reporters.add(report["organization_name"])
                one.sessions += policy["successful_session_count"] + policy["failed_session_count"]
                for detail in policy.get("failure_details", ()):
                    one.broken[detail["result_type"]] += detail["failed_session_count"]
    return True


def _count(report: Any, one: Told, own: Sequence[str]) -> None:
    one.reporters.add(report["report_metadata"]["org_name"])
    for record in report["records"]:
        address, count, passes = record["source"]["ip_address"], record["count"], record["alignment"]["dmarc"]
        if address in own:
            one.letters += count
            one.failing += 0 if passes else count
        elif passes:
            one.passing += count
        else:
            one.strangers[address] += count


def _dmarc(domain: str, one: Told) -> Line:
    about = Check(f"reports.dmarc.{domain}", ROOM, f"DMARC reports {domain}", "letters from here pass")
    if not one.reporters:
        return about.line(f"none in {DAYS} days", None)
    seen = f"{one.letters} letters from here, {one.failing} fail; elsewhere {one.passing} pass"
    seen += f", {one.strangers.total()} fail{_among(one.strangers, ' (from ')}; by {_some(sorted(one.reporters))}"
    remedies = []
    if one.failing:
        remedies.append("mend the DNS lines above that are not ok; if all are, it was before")
    if one.strangers:
        remedies.append("senders elsewhere that fail: a service of yours (spf.include), else forgers (dmarc.policy)")
    return about.line(seen, True, "; ".join(remedies))


def _tls(domain: str, one: Told) -> Line:
    about = Check(f"reports.tls.{domain}", ROOM, f"TLS reports {domain}", "no session fails")
    if not one.tls_reporters:
        return about.line(f"none in {DAYS} days", None)
    seen = f"{one.broken.total()} of {one.sessions} sessions failed{_among(one.broken, ' (')}"
    remedy = "see certificates and inbound; before mta_sts goes to enforce, none may fail" if one.broken else ""
    return about.line(f"{seen}; by {_some(sorted(one.tls_reporters))}", True, remedy)


def _among(counted: Counter[str], before: str) -> str:
    return f"{before}{_some([name for name, _ in counted.most_common()])})" if counted else ""


def _some(names: Sequence[str]) -> str:
    more = len(names) - MOST_NAMES
    return ", ".join(names[:MOST_NAMES]) + (f" and {more} more" if more > 0 else "")
