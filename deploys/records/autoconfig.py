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


def autoconfig(context: DomainContext) -> tuple[Record, ...]:
    """The name that Thunderbird asks."""
    return same_place(context, f"autoconfig.{context.domain}", "Thunderbird sets itself up")


def autodiscover(context: DomainContext) -> tuple[Record, ...]:
    """The name that Outlook asks, and the SRV record that it asks next."""
    why = "Outlook sets itself up"
    host = same_place(context, f"autodiscover.{context.domain}", why)
    name = f"_autodiscover._tcp.{context.domain}"
    return (*host, *record(name, "SRV", context.ttl, [f"0 1 443 {context.hostname}."], why))


def srv(context: DomainContext) -> tuple[Record, ...]:
    """One SRV record a service. What is not offered says so with ``.`` as its target (RFC 2782), so nobody guesses."""
    return tuple(one for service in PORTS for one in _srv(context, service))


def _srv(context: DomainContext, service: Service) -> tuple[Record, ...]:
    port, priority = PORTS[service]
    offered = service in context.offered
    value = f"{priority} 1 {port} {context.hostname}." if offered else "0 0 0 ."
    why = f"mail programs find {service}" if offered else f"mail programs learn that {service} is not offered"
    return record(f"_{service}._tcp.{context.domain}", "SRV", context.ttl, [value], why)
