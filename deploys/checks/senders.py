"""What Gmail, Yahoo and Outlook ask of senders, rule by rule, each with its evidence: "why am I in the spam folder?"

Sources: Gmail's guidelines (81126) and FAQ (14229414), Yahoo's best practices, Microsoft's new requirements for high
volume senders, all as of 2026. A rule sums up lines of the proof; what is broken counts there, not here once more.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from deploys.checks import codes
from deploys.checks.codes import GROUP
from deploys.checks.observation import Observation
from deploys.records.context import DomainContext
from deploys.result import Check, CheckResult, matches

LEAST_BITS = 2048
GIVEN_OUT = "dyn|dynamic|dhcp|dsl|adsl|pool|ppp|cable|client|customer|static|rev"
NOT_LOOKED_AT = "not looked at"


@dataclass(frozen=True)
class Rule:
    """``whose``: who asks. ``evidence``: keys of the lines that all must hold, as ``result.matches`` reads
    them; ``{domain}``, ``{selector}`` and ``{hostname}`` stand for each domain's own."""

    key: str
    what: str
    whose: str
    evidence: tuple[str, ...]
    group: str = GROUP

    def keys(self, subjects: Sequence[DomainContext]) -> tuple[str, ...]:
        """The evidence of these domains. Of the DNS nothing is wanted where nobody looks at it (no ``subjects``)."""
        return tuple(dict.fromkeys(key for wanted in self.evidence for key in _each(wanted, subjects)))


GMAIL_YAHOO, THREE = "Gmail, Yahoo", "Gmail, Yahoo, Outlook"
DKIM = ("dns.dkim.{selector}._domainkey.{domain}", "dns.dkim.*", "messages.dkim")
RULES = (
    Rule("rules.spf", "SPF", THREE, ("dns.spf.{domain}", "dns.spf.*", "dns.spf-lookups.{domain}")),
    Rule("rules.dkim", "DKIM on every message", THREE, DKIM),
    Rule("rules.dmarc", "DMARC", THREE, ("dns.dmarc._dmarc.{domain}", "dns.dmarc.*")),
    Rule("rules.alignment", "From fits SPF and DKIM", THREE, ("refusals.from", "messages.dkim")),
    Rule("rules.reverse-name", "a reverse name, both ways", f"{THREE}, iCloud", ("dns.ptr.*", "dns.helo.{hostname}")),
    Rule("rules.headers", "headers as RFC 5322 has them", GMAIL_YAHOO, ("messages.headers",)),
    Rule("rules.domain", "the sender's domain exists", "Yahoo, Outlook", ("dns.soa.{domain}",)),
    Rule(
        "rules.answers",
        "answers can arrive",
        "Outlook",
        ("dns.mx.{domain}", "dns.mx-path.{domain}", "refusals.postmaster", "refusals.postmaster.*"),
    ),
    Rule("rules.relay", "no open relay", "Yahoo, Outlook", ("refusals.relay",)),
    Rule("rules.impersonation", "nobody writes as another", "Gmail", ("refusals.sender", "refusals.from")),
    Rule("rules.blocklists", "on no blocklist", THREE, ("dns.blocklist.*",)),
)
FORWARDS = Rule(
    "rules.forwards",
    "forwards are rewritten and sealed",
    "Gmail, Yahoo, iCloud",
    ("services.postsrsd", "services.rspamd"),
)


def _each(wanted: str, subjects: Sequence[DomainContext]) -> list[str]:
    if not subjects and wanted.startswith("dns."):
        return []
    return [
        wanted.format(domain=one.domain, selector=one.settings.dkim.selector, hostname=one.hostname) for one in subjects
    ] or [wanted]


def lines(
    proof: Sequence[CheckResult],
    subjects: Sequence[DomainContext],
    seen: Sequence[Observation],
    forwards: bool,
    undeclared: Collection[str] = (),
) -> list[CheckResult]:
    """One line a rule. ``proof``: all that was looked at; ``forwards``: whether an alias leads to another server;
    ``undeclared``: see plan.undeclared."""
    outgoing = next((one for one in seen if one.check == "outgoing"), None)
    rules = (*RULES, *((FORWARDS,) if forwards else ()))
    return [
        *(summed(rule, proof, undeclared, subjects) for rule in rules if rule.keys(subjects)),
        *_key_sizes(subjects),
        *(own_name(subject.hostname, subject.addresses) for subject in subjects[:1]),
        *(one for one in _left(outgoing) if subjects or one.ok is not None),
    ]


def summed(
    rule: Rule, proof: Sequence[CheckResult], undeclared: Collection[str] = (), subjects: Sequence[DomainContext] = ()
) -> CheckResult:
    """A rule by its evidence. What nobody looked at proves nothing, unless mail.yaml does not ask for it
    (``undeclared``)."""
    by_key = {key: [line for line in proof if matches(line.key, key)] for key in rule.keys(subjects)}
    found = list(dict.fromkeys(line for lines in by_key.values() for line in lines))
    missing = [key for key, lines in by_key.items() if not lines and key not in undeclared]
    about = Check(rule.key, rule.group, rule.what, f"asked by {rule.whose}")
    if broken := [line.what for line in found if line.ok is False]:
        return about.line(f"not so: {', '.join(broken)}", False, "see there", echo=True)
    if doubtful := [
        *(line.what for line in found if line.ok is None),
        *(f"{key} ({NOT_LOOKED_AT})" for key in missing),
    ]:
        return about.line(f"cannot know: {', '.join(doubtful)}", None)
    if not found:
        return about.line(NOT_LOOKED_AT, None)
    return about.line(f"holds: {', '.join(line.what for line in found)}", True)


def _key_sizes(subjects: Sequence[DomainContext]) -> list[CheckResult]:
    found = [
        (f"{selector}._domainkey.{subject.domain}", key.key_size)
        for subject in subjects
        for selector, der in subject.dkim.items()
        if isinstance(key := load_der_public_key(der), RSAPublicKey)
    ]
    if not found:
        return []
    short = [f"{name} has {bits} bits" for name, bits in found if bits < LEAST_BITS]
    remedy = "declare a new selector: its keys have 2048 bits" if short else ""
    seen = "; ".join(short) or f"{min(bits for _, bits in found)} bits"
    about = Check("rules.key-size", GROUP, "DKIM keys long enough", "2048 bits; asked by Gmail, Yahoo")
    return [about.line(seen, not short, remedy)]


def own_name(hostname: str, addresses: Iterable[str]) -> CheckResult:
    """The host's name is not one that providers give out by the thousand, made of the address (Yahoo, Outlook)."""
    wordy = re.search(rf"(^|\.)({GIVEN_OUT})[0-9-]*\.", hostname)
    numbers = [part for address in addresses for part in [_digits(address)] if part and part in _plain(hostname)]
    seen = f"{hostname} looks like a customer's" if wordy or numbers else hostname
    remedy = "" if not (wordy or numbers) else "give the host a name in your own domain, such as mail.example.org"
    about = Check("rules.own-name", GROUP, "a name of one's own", "asked by Yahoo, Outlook")
    return about.line(seen, not numbers, remedy)


def _digits(address: str) -> str:
    return address.replace(".", "-") if ipaddress.ip_address(address).version == 4 else ""


def _plain(hostname: str) -> str:
    return hostname.replace(".", "-")


def _left(outgoing: Observation | None) -> list[CheckResult]:
    """How the last day's messages left, and what providers said."""
    about = Check("rules.tls", GROUP, "TLS on the way", "asked by Gmail")
    if outgoing is None or outgoing.code is None:
        return [about.line(outgoing.seen if outgoing else "not looked at", None)]
    told = json.loads(outgoing.seen)
    sent, by_tls = outgoing.code, told["tls"]
    if not sent:
        return [about.line("no message left in 24 h", None), *codes.lines(told["said"])]
    remedy = "" if by_tls == sent else "some servers offer none; if all: see what breaks STARTTLS on port 25"
    seen = f"{by_tls} of {sent} messages in 24 h left by TLS"
    # Postfix asks each server for TLS: a message without has met one that has none, which is no fault of this host.
    return [about.line(seen, True, remedy), *codes.lines(told["said"])]


def for_a_person(hostname: str, addresses: Sequence[str], domains: Sequence[str]) -> tuple[str, ...]:
    """What no program can do or know."""
    names = ", ".join(domains)
    where = ", ".join(addresses) or "each address of the host"
    return (
        f"Reverse name: have whoever rents you {where} set it to {hostname}.",
        f"Enrol {names}: Google Postmaster Tools, Yahoo Sender Hub; the address at Microsoft SNDS and JMRP.",
        "Stay below 0.1 % complaints; Postmaster Tools shows them.",
        "Begin with tens of messages a day, to people who want them, and grow slowly.",
        "Newsletters: only to people who asked, with one-click unsubscribe (RFC 8058), and under another domain.",
        "Port 25 from outside: send a message from another provider; it has to arrive.",
    )
