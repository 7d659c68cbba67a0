"""What Gmail, Yahoo and Outlook ask of senders, rule by rule, each with its evidence: "why am I in the spam folder?"

Sources: Gmail's guidelines (81126) and FAQ (14229414), Yahoo's best practices, Microsoft's new requirements for high
volume senders, all as of 2026. A rule sums up lines of the proof; what is broken counts there, not here once more.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from deploys.proof import codes
from deploys.proof.codes import ROOM
from deploys.proof.line import Line
from deploys.proof.observation import Observation
from deploys.records.subject import Subject

LEAST_BITS = 2048
GIVEN_OUT = "dyn|dynamic|dhcp|dsl|adsl|pool|ppp|cable|client|customer|static|rev"
NOT_LOOKED_AT = "not looked at"


@dataclass(frozen=True)
class Rule:
    """``whose``: who asks; ``evidence``: patterns of the lines (by what they are about) that all must hold."""

    what: str
    whose: str
    evidence: tuple[str, ...]


RULES = (
    Rule("SPF", "Gmail, Yahoo, Outlook", (r"^TXT [^_]+$", r"^SPF look-ups ")),
    Rule("DKIM on every letter", "Gmail, Yahoo, Outlook", (r"^TXT \S+\._domainkey\.", r"^DKIM on its letters$")),
    Rule("DMARC", "Gmail, Yahoo, Outlook", (r"^TXT _dmarc\.",)),
    Rule(
        "From fits SPF and DKIM", "Gmail, Yahoo, Outlook", (r"^587: From of somebody else$", r"^DKIM on its letters$")
    ),
    Rule("a reverse name, both ways", "Gmail, Yahoo, Outlook, iCloud", (r"^PTR ", r"^HELO ")),
    Rule("headers as RFC 5322 has them", "Gmail, Yahoo", (r"^From, Date, Message-ID$",)),
    Rule("the sender's domain exists", "Yahoo, Outlook", (r"^SOA ",)),
    Rule("answers can arrive", "Outlook", (r"^MX ", r"^25: mail for postmaster$", r"^25: postmaster@")),
    Rule("no open relay", "Yahoo, Outlook", (r"^25: relay to elsewhere$",)),
    Rule("nobody writes as another", "Gmail", (r"^587: sender of somebody else$", r"^587: From of somebody else$")),
    Rule("on no blocklist", "Gmail, Yahoo, Outlook", (r"^blocklist ",)),
)
FORWARDS = Rule(
    "forwards are rewritten and sealed", "Gmail, Yahoo, iCloud", (r"^postsrsd\.service$", r"^rspamd\.service$")
)


def lines(
    proof: Sequence[Line], subjects: Sequence[Subject], seen: Sequence[Observation], forwards: bool
) -> list[Line]:
    """One line a rule. ``proof``: all that was looked at; ``forwards``: whether an alias leads to another server."""
    outgoing = next((one for one in seen if one.check == "outgoing"), None)
    return [
        *_rules(proof, (*RULES, *((FORWARDS,) if forwards else ())), asked=bool(subjects)),
        *_key_sizes(subjects),
        *(own_name(subject.hostname, subject.addresses) for subject in subjects[:1]),
        *(one for one in _left(outgoing) if subjects or one.ok is not None),
    ]


def _rules(proof: Sequence[Line], rules: Iterable[Rule], asked: bool) -> list[Line]:
    """Where the DNS was not ``asked``, only what could be seen without it."""
    summed_up = [summed(rule, proof) for rule in rules]
    return [line for line in summed_up if asked or line.seen != NOT_LOOKED_AT]


def summed(rule: Rule, proof: Sequence[Line], room: str = ROOM) -> Line:
    """A rule by its evidence."""
    found = [line for line in proof if any(re.search(pattern, line.what) for pattern in rule.evidence)]
    title, expected = rule.what, f"asked by {rule.whose}"
    if broken := [line.what for line in found if line.ok is False]:
        return Line(room, title, expected, f"not so: {', '.join(broken)}", False, "see there", echo=True)
    if doubtful := [line.what for line in found if line.ok is None]:
        return Line(room, title, expected, f"cannot know: {', '.join(doubtful)}", None)
    if not found:
        return Line(room, title, expected, NOT_LOOKED_AT, None)
    return Line(room, title, expected, f"holds: {', '.join(line.what for line in found)}", True)


def _key_sizes(subjects: Sequence[Subject]) -> list[Line]:
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
    return [Line(ROOM, "DKIM keys long enough", "2048 bits; asked by Gmail, Yahoo", seen, not short, remedy)]


def own_name(hostname: str, addresses: Iterable[str]) -> Line:
    """The host's name is not one that providers give out by the thousand, made of the address (Yahoo, Outlook)."""
    wordy = re.search(rf"(^|\.)({GIVEN_OUT})[0-9-]*\.", hostname)
    numbers = [part for address in addresses for part in [_digits(address)] if part and part in _plain(hostname)]
    seen = f"{hostname} looks like a customer's" if wordy or numbers else hostname
    remedy = "" if not (wordy or numbers) else "give the host a name in your own domain, such as mail.example.org"
    return Line(ROOM, "a name of one's own", "asked by Yahoo, Outlook", seen, not numbers, remedy)


def _digits(address: str) -> str:
    return address.replace(".", "-") if ipaddress.ip_address(address).version == 4 else ""


def _plain(hostname: str) -> str:
    return hostname.replace(".", "-")


def _left(outgoing: Observation | None) -> list[Line]:
    """How the last day's letters left, and what providers said."""
    title, expected = "TLS on the way", "asked by Gmail"
    if outgoing is None or outgoing.code is None:
        return [Line(ROOM, title, expected, outgoing.seen if outgoing else "not looked at", None)]
    told = json.loads(outgoing.seen)
    sent, by_tls = outgoing.code, told["tls"]
    if not sent:
        return [Line(ROOM, title, expected, "no letter left in 24 h", None), *codes.lines(told["said"])]
    remedy = "" if by_tls == sent else "some servers offer none; if all: see what breaks STARTTLS on port 25"
    seen = f"{by_tls} of {sent} letters in 24 h left by TLS"
    # Postfix asks each server for TLS: a letter without has met one that has none, which is no fault of this host.
    return [Line(ROOM, title, expected, seen, True, remedy), *codes.lines(told["said"])]


def for_a_person(hostname: str, addresses: Sequence[str], domains: Sequence[str]) -> tuple[str, ...]:
    """What no program can do or know."""
    names = ", ".join(domains)
    where = ", ".join(addresses) or "each address of the host"
    return (
        f"Reverse name: have whoever rents you {where} set it to {hostname}.",
        f"Enrol {names}: Google Postmaster Tools, Yahoo Sender Hub; the address at Microsoft SNDS and JMRP.",
        "Stay below 0.1 % complaints; Postmaster Tools shows them.",
        "Begin with tens of letters a day, to people who want them, and grow slowly.",
        "Newsletters: only to people who asked, with one-click unsubscribe (RFC 8058), and under another domain.",
        "Port 25 from outside: send a letter from another provider; it has to arrive.",
    )
