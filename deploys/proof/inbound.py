""" "Why does a letter from outside not arrive?" For each domain, in the order of what is most likely."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Callable, Iterable, Mapping, Sequence

from deploys.proof.line import CONVERGE, Line
from deploys.proof.observation import Observation
from deploys.proof.senders import Rule, summed
from deploys.records.subject import Subject
from facts.listeners import Listener
from facts.mailboxes import Usage

ROOM = "inbound"
NEARLY_FULL = 90  # percent of a quota
TIMEOUT = 3  # seconds; a packet filter that drops must not hold up the proof
Greeting = Callable[[str], str | None]


def lines(
    proof: Sequence[Line],
    subjects: Sequence[Subject],
    listening: Sequence[Listener],
    seen: Sequence[Observation],
    refusing: Iterable[str],
    greeting: Greeting,
    mailboxes: Mapping[str, Usage],
    witnessed: Sequence[Line] = (),
) -> list[Line]:
    """``proof``: all that was looked at; ``refusing``: the operator's own parameters of Postfix that ask blocklists;
    ``greeting``: what an address says at port 25 to this workstation, None for nothing; ``mailboxes``: what they
    hold; ``witnessed``: what another host of the inventory saw, if there is one (witness.py)."""
    if not subjects:
        return []
    return [
        *(summed(rule, proof, ROOM) for subject in subjects for rule in _of(subject)),
        _families(subjects[0], listening),
        _names(next((one for one in seen if one.check == "names"), None)),
        _lists(refusing),
        summed(Rule("a letter gets into a mailbox", "the probe", (r"^read by ", r"^letter by 587")), proof, ROOM),
        *_room(mailboxes),
        summed(
            Rule("what the policies promise", "MTA-STS, DANE", (r"^certificates? ", r"^TLSA ", r"^TXT _mta-sts")),
            proof,
            ROOM,
        ),
        *(witnessed or [_outside(subjects[0], greeting)]),
    ]


def _of(subject: Subject) -> tuple[Rule, ...]:
    domain = re.escape(subject.domain)
    ways = (rf"^SOA {domain}$", rf"^MX (path )?{domain}$", rf"^name servers? .*{re.escape(subject.zone)}$")
    known = (
        (rf"^25: postmaster@{domain}$",) if len(subject.domains) > 1 and subject.domain != subject.domains[0] else ()
    )
    return (
        Rule(f"{subject.domain}: the way here", "the world's DNS", ways),
        Rule(
            f"{subject.domain}: known here",
            "Postfix",
            (*(known or (r"^25: mail for postmaster$",)), r"^25: unknown recipient$", r"^25: relay to elsewhere$"),
        ),
    )


def _families(subject: Subject, listening: Sequence[Listener]) -> Line:
    """Whoever finds an AAAA tries it first."""
    title, expected = "port 25 on every address", ", ".join(subject.addresses) or "an address"
    open_to = [one.address for one in listening if one.protocol == "tcp" and one.port == 25 and one.world]
    deaf = [one for one in subject.addresses if not any(_serves(address, one) for address in open_to)]
    if not subject.addresses:
        return Line(ROOM, title, expected, "the host has no public address; say dns.addresses", None)
    if deaf:
        remedy = f"{CONVERGE}; or take the address out of the DNS"
        return Line(ROOM, title, expected, f"nothing listens for {', '.join(deaf)}", False, remedy)
    return Line(ROOM, title, expected, f"listens on {', '.join(sorted(set(open_to)))}", True)


def _serves(listener: str, address: str) -> bool:
    version = ipaddress.ip_address(address).version
    # An address behind another (a hoster's one-to-one translation) is not the listener's own.
    own = not ipaddress.ip_address(listener).is_unspecified if listener != "*" else False
    return listener == "*" or (version == 4 and listener == "0.0.0.0") or (version == 6 and listener == "::") or own


def _names(one: Observation | None) -> Line:
    title, expected = "Postfix finds names", "as the host does"
    if one is None or one.code is None:
        return Line(ROOM, title, expected, one.seen if one else "not looked at", None)
    return Line(
        ROOM, title, expected, one.seen, one.code == 1, "" if one.code == 1 else f"{CONVERGE}, which restarts it"
    )


def _lists(refusing: Iterable[str]) -> Line:
    """A list that answers everybody (its name server is gone, or asks for money) refuses all mail."""
    names = sorted(refusing)
    title, expected = "no list refuses by itself", "blocklists only count points"
    if names:
        remedy = "take reject_rbl_… and reject_rhsbl_… out of postfix.parameters; the filter knows the lists' codes"
        return Line(ROOM, title, expected, f"refuse by a list: {', '.join(names)}", True, remedy)
    return Line(ROOM, title, expected, "so it is", True)


def _room(mailboxes: Mapping[str, Usage]) -> list[Line]:
    """A full mailbox refuses letters, and its owner is the last to notice."""
    title, expected = "room in the mailboxes", f"all below {NEARLY_FULL} %"
    shares = {name: 100 * one.bytes // one.limit for name, one in mailboxes.items() if one.limit}
    tight = [f"{name} {share} %" for name, share in shares.items() if share >= NEARLY_FULL]
    if not shares:
        return []
    remedy = "a larger quota, or fewer letters; a full one refuses what comes" if tight else ""
    return [Line(ROOM, title, expected, ", ".join(tight) or f"all {len(shares)} with a quota", True, remedy)]


def _outside(subject: Subject, greeting: Greeting) -> Line:
    """From another network than the host's, as far as this workstation is one."""
    title, expected = "port 25 from here", f"220 {subject.hostname}"
    for address in subject.addresses:
        said = greeting(address)
        if said and subject.hostname in said:
            return Line(ROOM, title, expected, f"{address}: {said}", True)
    return Line(ROOM, title, expected, "cannot know from here: many networks let nobody out to port 25", None)


def greeting(address: str) -> str | None:
    """The first line that ``address`` says at port 25."""
    try:
        with socket.create_connection((address, 25), TIMEOUT) as connection:
            connection.settimeout(TIMEOUT)
            return connection.recv(512).decode("utf-8", "replace").splitlines()[0]
    except (OSError, IndexError):
        return None
