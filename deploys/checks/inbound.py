""" "Why does a message from outside not arrive?" For each domain, in the order of what is most likely."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from deploys.checks.observation import Observation
from deploys.checks.senders import Rule, summed
from deploys.records.context import DomainContext
from deploys.result import CONVERGE, Check, CheckResult
from facts.listeners import Socket
from facts.mailboxes import Usage

GROUP = "inbound"
NEARLY_FULL = 90  # percent of a quota
TIMEOUT = 3  # seconds; a packet filter that drops must not hold up the verification
Greeting = Callable[[str], str | None]


DELIVERY = Rule(
    "inbound.delivery",
    "a message gets into a mailbox",
    "the probe",
    ("messages.send.587", "messages.read.*"),
    GROUP,
)
POLICIES = Rule(
    "inbound.policies",
    "what the policies promise",
    "MTA-STS, DANE",
    ("certificates.file", "certificates.served.*", "certificates.acme", "dns.tlsa.*", "dns.mta-sts.*"),
    GROUP,
)


def results(
    checked: Sequence[CheckResult],
    contexts: Sequence[DomainContext],
    listening: Sequence[Socket],
    seen: Sequence[Observation],
    refusing: Iterable[str],
    greeting: Greeting,
    mailboxes: Mapping[str, Usage],
    from_vantage: Sequence[CheckResult] = (),
    undeclared: Collection[str] = (),
) -> list[CheckResult]:
    """``checked``: all that was looked at; ``refusing``: the operator's own parameters of Postfix that ask blocklists;
    ``greeting``: what an address says at port 25 to this workstation, None for nothing; ``mailboxes``: what they
    hold; ``from_vantage``: what another host of the inventory saw, if there is one (vantage.py); ``undeclared``: see
    plan.undeclared."""
    if not contexts:
        return []
    return [
        *(summed(rule, checked, undeclared, contexts) for context in contexts for rule in of_domain(context)),
        _addresses(contexts[0], listening),
        _names(next((one for one in seen if one.check == "names"), None)),
        _lists(refusing),
        summed(DELIVERY, checked, undeclared, contexts),
        *_quotas(mailboxes),
        summed(POLICIES, checked, undeclared, contexts),
        *(from_vantage or [_from_here(contexts[0], greeting)]),
    ]


def of_domain(context: DomainContext) -> tuple[Rule, ...]:
    """What must hold for messages to this domain."""
    domain = context.domain
    routing = (f"dns.soa.{domain}", f"dns.mx.{domain}", f"dns.mx-path.{domain}", f"dns.nameservers.{context.zone}/*")
    first = len(context.domains) < 2 or domain == next(iter(context.domains))
    postmaster = "refusals.postmaster" if first else f"refusals.postmaster.{domain}"
    known = (postmaster, "refusals.unknown-recipient", "refusals.relay")
    return (
        Rule(f"inbound.routing.{domain}", f"{domain}: mail routing", "the world's DNS", routing, GROUP),
        Rule(f"inbound.known.{domain}", f"{domain}: accepted by Postfix", "Postfix", known, GROUP),
    )


def _addresses(context: DomainContext, listening: Sequence[Socket]) -> CheckResult:
    """Whoever finds an AAAA tries it first."""
    expected = ", ".join(context.addresses) or "an address"
    about = Check("inbound.families", GROUP, "port 25 on every address", expected)
    open_to = [one.address for one in listening if one.protocol == "tcp" and one.port == 25 and one.world]
    unserved = [one for one in context.addresses if not any(_serves(address, one) for address in open_to)]
    if not context.addresses:
        return about.result("the host has no public address; say dns.addresses", None)
    if unserved:
        remedy = f"{CONVERGE}; or take the address out of the DNS"
        return about.result(f"nothing listens for {', '.join(unserved)}", False, remedy)
    return about.result(f"listens on {', '.join(sorted(set(open_to)))}", True)


def _serves(listener: str, address: str) -> bool:
    version = ipaddress.ip_address(address).version
    # An address behind another (a hoster's one-to-one translation) is not the listener's own.
    own = not ipaddress.ip_address(listener).is_unspecified if listener != "*" else False
    return listener == "*" or (version == 4 and listener == "0.0.0.0") or (version == 6 and listener == "::") or own


def _names(one: Observation | None) -> CheckResult:
    about = Check("inbound.names", GROUP, "Postfix resolves names", "as the host does")
    if one is None or one.code is None:
        return about.result(one.seen if one else "not looked at", None)
    return about.result(one.seen, one.code == 1, "" if one.code == 1 else f"{CONVERGE}, which restarts it")


def _lists(refusing: Iterable[str]) -> CheckResult:
    """A list that answers everybody (its name server is gone, or asks for money) refuses all mail."""
    names = sorted(refusing)
    about = Check("inbound.lists", GROUP, "no blocklist refuses by itself", "blocklists only count points")
    if names:
        remedy = "take reject_rbl_… and reject_rhsbl_… out of postfix.parameters; rspamd knows the lists' codes"
        return about.result(f"refuse by a list: {', '.join(names)}", True, remedy)
    return about.result("so it is", True)


def _quotas(mailboxes: Mapping[str, Usage]) -> list[CheckResult]:
    """A full mailbox refuses messages, and its owner is the last to notice."""
    about = Check("inbound.quota", GROUP, "space in the mailboxes", f"all below {NEARLY_FULL} %")
    shares = {name: 100 * one.bytes // one.limit for name, one in mailboxes.items() if one.limit}
    tight = [f"{name} {share} %" for name, share in shares.items() if share >= NEARLY_FULL]
    if not shares:
        return []
    remedy = "a larger quota, or fewer messages; a full one refuses what comes" if tight else ""
    return [about.result(", ".join(tight) or f"all {len(shares)} with a quota", True, remedy)]


def _from_here(context: DomainContext, greeting: Greeting) -> CheckResult:
    """From another network than the host's, as far as this workstation is one."""
    about = Check("inbound.port-25", GROUP, "port 25 from the workstation", f"220 {context.hostname}")
    for address in context.addresses:
        said = greeting(address)
        if said and context.hostname in said:
            return about.result(f"{address}: {said}", True)
    return about.result("cannot know from here: many networks block outgoing port 25", None)


def greeting(address: str) -> str | None:
    """The first line that ``address`` says at port 25."""
    try:
        with socket.create_connection((address, 25), TIMEOUT) as connection:
            connection.settimeout(TIMEOUT)
            return connection.recv(512).decode("utf-8", "replace").splitlines()[0]
    except (OSError, IndexError):
        return None
