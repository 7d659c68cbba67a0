"""The records by which mail programs set themselves up."""

from __future__ import annotations

from deploys.records.context import DomainContext, Service
from deploys.records.host import same_place
from deploys.records.record import Record, record
from deploys.values import ports

# RFC 6186 and RFC 8314: port, and the priority by which a program chooses. TLS from the first byte before STARTTLS,
# IMAP before POP3; ManageSieve by RFC 5804, section 1.8.
PORTS: dict[Service, tuple[int, int]] = {
    "imaps": (ports.IMAPS, 0),
    "imap": (ports.IMAP, 10),
    "pop3s": (ports.POP3S, 20),
    "pop3": (ports.POP3, 30),
    "submissions": (ports.SUBMISSIONS, 0),
    "submission": (ports.SUBMISSION, 10),
    "sieve": (ports.SIEVE, 0),
}


def autoconfig(subject: DomainContext) -> tuple[Record, ...]:
    """The name that Thunderbird asks."""
    return same_place(subject, f"autoconfig.{subject.domain}", "Thunderbird sets itself up")


def autodiscover(subject: DomainContext) -> tuple[Record, ...]:
    """The name that Outlook asks, and the SRV record that it asks next."""
    why = "Outlook sets itself up"
    host = same_place(subject, f"autodiscover.{subject.domain}", why)
    name = f"_autodiscover._tcp.{subject.domain}"
    return (*host, *record(name, "SRV", subject.ttl, [f"0 1 443 {subject.hostname}."], why))


def srv(subject: DomainContext) -> tuple[Record, ...]:
    """One SRV record a service. What is not offered says so with ``.`` as its target (RFC 2782), so nobody guesses."""
    return tuple(one for service in PORTS for one in _srv(subject, service))


def _srv(subject: DomainContext, service: Service) -> tuple[Record, ...]:
    port, priority = PORTS[service]
    offered = service in subject.offered
    value = f"{priority} 1 {port} {subject.hostname}." if offered else "0 0 0 ."
    why = f"mail programs find {service}" if offered else f"mail programs learn that {service} is not offered"
    return record(f"_{service}._tcp.{subject.domain}", "SRV", subject.ttl, [value], why)
