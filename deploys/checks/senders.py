"""What Gmail, Yahoo and Outlook ask of senders, rule by rule, each with its evidence: "why am I in the spam folder?"

Sources: Gmail's guidelines (81126) and FAQ (14229414), Yahoo's best practices, Microsoft's new requirements for high
volume senders, all as of 2026. A rule sums up other results; what is broken counts there, not here once more.
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
    """``whose``: who asks. ``evidence``: keys of the results that all must hold, as ``result.matches`` reads
    them; ``{domain}``, ``{selector}`` and ``{hostname}`` stand for each domain's own."""

    key: str
    what: str
    whose: str
    evidence: tuple[str, ...]
    group: str = GROUP

    def keys(self, contexts: Sequence[DomainContext]) -> tuple[str, ...]:
        """The evidence of these domains. Of the DNS nothing is wanted where nobody looks at it (no ``contexts``)."""
        return tuple(dict.fromkeys(key for wanted in self.evidence for key in _each(wanted, contexts)))


GMAIL_YAHOO, THREE = "Gmail, Yahoo", "Gmail, Yahoo, Outlook"
DKIM = ("dns.dkim.{selector}._domainkey.{domain}", "dns.dkim.*", "messages.dkim")
RULES = (
    Rule("rules.spf", "SPF", THREE, ("dns.spf.{domain}", "dns.spf.*", "dns.spf-lookups.{domain}")),
    Rule("rules.dkim", "DKIM on every message", THREE, DKIM),
    Rule("rules.dmarc", "DMARC", THREE, ("dns.dmarc._dmarc.{domain}", "dns.dmarc.*")),
    Rule("rules.alignment", "From fits SPF and DKIM", THREE, ("refusals.from", "messages.dkim")),
    Rule(
        "rules.reverse-name", "reverse name, both directions", f"{THREE}, iCloud", ("dns.ptr.*", "dns.helo.{hostname}")
    ),
    Rule("rules.headers", "headers as RFC 5322 has them", GMAIL_YAHOO, ("messages.headers",)),
    Rule("rules.domain", "the sender's domain exists", "Yahoo, Outlook", ("dns.soa.{domain}",)),
    Rule(
        "rules.answers",
        "answers can arrive",
        "Outlook",
        ("dns.mx.{domain}", "dns.mx-path.{domain}", "refusals.postmaster", "refusals.postmaster.*"),
    ),
    Rule("rules.relay", "no open relay", "Yahoo, Outlook", ("refusals.relay",)),
    Rule("rules.impersonation", "nobody sends as another", "Gmail", ("refusals.sender", "refusals.from")),
    Rule("rules.blocklists", "on no blocklist", THREE, ("dns.blocklist.*",)),
)
FORWARDS = Rule(
    "rules.forwards",
    "forwards: SRS and ARC",
    "Gmail, Yahoo, iCloud",
    ("services.postsrsd", "services.rspamd"),
)


def _each(wanted: str, contexts: Sequence[DomainContext]) -> list[str]:
    if not contexts and wanted.startswith("dns."):
        return []
    return [
        wanted.format(domain=one.domain, selector=one.settings.dkim.selector, hostname=one.hostname) for one in contexts
    ] or [wanted]


def results(
    checked: Sequence[CheckResult],
    contexts: Sequence[DomainContext],
    seen: Sequence[Observation],
    forwards: bool,
    undeclared: Collection[str] = (),
) -> list[CheckResult]:
    """One result a rule. ``checked``: all that was looked at; ``forwards``: whether an alias leads to another server;
    ``undeclared``: see plan.undeclared."""
    outgoing = next((one for one in seen if one.check == "outgoing"), None)
    rules = (*RULES, *((FORWARDS,) if forwards else ()))
    return [
        *(summed(rule, checked, undeclared, contexts) for rule in rules if rule.keys(contexts)),
        *_key_sizes(contexts),
        *(own_name(context.hostname, context.addresses) for context in contexts[:1]),
        *(one for one in _left(outgoing) if contexts or one.ok is not None),
    ]


def summed(
    rule: Rule, checked: Sequence[CheckResult], undeclared: Collection[str] = (), contexts: Sequence[DomainContext] = ()
) -> CheckResult:
    """A rule by its evidence. What nobody looked at proves nothing, unless mail.yaml does not ask for it
    (``undeclared``)."""
    by_key = {key: [result for result in checked if matches(result.key, key)] for key in rule.keys(contexts)}
    found = list(dict.fromkeys(result for results in by_key.values() for result in results))
    missing = [key for key, results in by_key.items() if not results and key not in undeclared]
    about = Check(rule.key, rule.group, rule.what, f"asked by {rule.whose}")
    if broken := [result.what for result in found if result.ok is False]:
        return about.result(f"does not hold: {', '.join(broken)}", False, "see there", echo=True)
    if doubtful := [
        *(result.what for result in found if result.ok is None),
        *(f"{key} ({NOT_LOOKED_AT})" for key in missing),
    ]:
        return about.result(f"cannot know: {', '.join(doubtful)}", None)
    if not found:
        return about.result(NOT_LOOKED_AT, None)
    return about.result(f"holds: {', '.join(result.what for result in found)}", True)


def _key_sizes(contexts: Sequence[DomainContext]) -> list[CheckResult]:
    found = [
        (f"{selector}._domainkey.{context.domain}", key.key_size)
        for context in contexts
        for selector, der in context.dkim.items()
        if isinstance(key := load_der_public_key(der), RSAPublicKey)
    ]
    if not found:
        return []
    short = [f"{name} has {bits} bits" for name, bits in found if bits < LEAST_BITS]
    remedy = "declare a new selector: its keys have 2048 bits" if short else ""
    seen = "; ".join(short) or f"{min(bits for _, bits in found)} bits"
    about = Check("rules.key-size", GROUP, "DKIM keys long enough", "2048 bits; asked by Gmail, Yahoo")
    return [about.result(seen, not short, remedy)]


def own_name(hostname: str, addresses: Iterable[str]) -> CheckResult:
    """The host's name is not one that providers give out by the thousand, made of the address (Yahoo, Outlook)."""
    wordy = re.search(rf"(^|\.)({GIVEN_OUT})[0-9-]*\.", hostname)
    numbers = [part for address in addresses for part in [_digits(address)] if part and part in _plain(hostname)]
    seen = f"{hostname} looks generic" if wordy or numbers else hostname
    remedy = "" if not (wordy or numbers) else "give the host a name in your own domain, such as mail.example.org"
    about = Check("rules.own-name", GROUP, "no generic host name", "asked by Yahoo, Outlook")
    return about.result(seen, not numbers, remedy)


def _digits(address: str) -> str:
    return address.replace(".", "-") if ipaddress.ip_address(address).version == 4 else ""


def _plain(hostname: str) -> str:
    return hostname.replace(".", "-")


def _left(outgoing: Observation | None) -> list[CheckResult]:
    """How the last day's messages left, and what providers said."""
    about = Check("rules.tls", GROUP, "TLS in transit", "asked by Gmail")
    if outgoing is None or outgoing.code is None:
        return [about.result(outgoing.seen if outgoing else "not looked at", None)]
    told = json.loads(outgoing.seen)
    sent, by_tls = outgoing.code, told["tls"]
    if not sent:
        return [about.result("no message left in 24 h", None), *codes.results(told["said"])]
    remedy = "" if by_tls == sent else "some servers offer none; if all: see what breaks STARTTLS on port 25"
    seen = f"{by_tls} of {sent} messages in 24 h left by TLS"
    # Postfix asks each server for TLS: a message without has met one that has none, which is no fault of this host.
    return [about.result(seen, True, remedy), *codes.results(told["said"])]


def manual_steps(hostname: str, addresses: Sequence[str], domains: Sequence[str]) -> tuple[str, ...]:
    """What no program can do or know."""
    names = ", ".join(domains)
    where = ", ".join(addresses) or "each address of the host"
    return (
        f"Reverse name: have the provider of {where} set it to {hostname}.",
        f"Enrol {names}: Google Postmaster Tools, Yahoo Sender Hub; the address at Microsoft SNDS and JMRP.",
        "Stay below 0.1 % complaints; Postmaster Tools shows them.",
        "Begin with tens of messages a day, to people who want them, and grow slowly.",
        "Newsletters: only to people who asked, with one-click unsubscribe (RFC 8058), and under another domain.",
        "Port 25 from outside: send a message from another provider; it has to arrive.",
    )
