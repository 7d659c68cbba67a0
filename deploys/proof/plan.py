"""What a mail host must do, as mail.yaml has it: the doors it keeps open, the questions to ask at them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from deploys.dovecot.render import PROBE_HOME, probe_address
from deploys.filter.render import KEYS
from deploys.mailserver import MailServer
from deploys.records.reverse import is_public
from deploys.records.subject import Subject
from facts.probe import PROBE

PATIENCE = 10  # seconds a letter may take from the queue to the mailbox
PROBE_SECRET = f"{PROBE}/password"
PROBE_MAILDIR = f"{PROBE_HOME}/Maildir"
STRANGER = "somebody@elsewhere.invalid"  # RFC 2606: no such domain, ever
NOBODY = "no-such-mailbox"


@dataclass(frozen=True)
class Door:
    """A port people come to. ``kind`` is the protocol as on_host/doors.py opens it, None where only TCP is asked."""

    port: int
    kind: str | None
    what: str


ALWAYS = (Door(25, "smtp", "SMTP"), Door(465, "smtps", "submission"), Door(587, "smtp", "submission"))
BY_PROTOCOL = {
    "imap": (Door(143, "imap", "IMAP"), Door(993, "imaps", "IMAP")),
    "pop3": (Door(110, "pop3", "POP3"), Door(995, "pop3s", "POP3")),
    "sieve": (Door(4190, "sieve", "ManageSieve"),),
}


def doors(mail: MailServer) -> tuple[Door, ...]:
    """Every port that is declared, and no other."""
    by_protocol = [door for protocol in mail.dovecot.protocols for door in BY_PROTOCOL[protocol]]
    http = [Door(80, None, "HTTP")] if mail.webmail or mail.pages or mail.tls.by_http else []
    webmail = [Door(mail.webmail.port, "https", "webmail")] if mail.webmail else []
    other = [Door(443, "pages", "HTTPS")] if mail.pages and not (mail.webmail and mail.webmail.port == 443) else []
    return (*ALWAYS, *by_protocol, *http, *webmail, *other)


def probe(mail: MailServer) -> str:
    """The address that sends letters to itself; its secret lies on the host and nowhere else."""
    return probe_address(mail.directory)


def nobody(mail: MailServer) -> str | None:
    """An address that must be refused; None if every domain catches all."""
    strict = [domain for domain in mail.domains if domain not in mail.catch_all]
    return f"{NOBODY}@{strict[0]}" if strict else None


def undeclared(mail: MailServer, subjects: Sequence[Subject], blocklists: Sequence[str]) -> frozenset[str]:
    """Keys of lines that rules rest on and that this mail.yaml does not ask for. Their absence is no gap to a rule;
    that of any other is. ``subjects``, ``blocklists``: what the DNS is asked about."""
    host = subjects[:1]
    public = [one for subject in host for one in (*subject.addresses, *subject.outbound) if is_public(one)]
    policies = any(subject.pages and subject.words.mta_sts for subject in subjects)
    asked = {
        "messages.dkim": bool(mail.filter),
        "refusals.from": bool(mail.filter),
        "services.rspamd": bool(mail.filter),
        "refusals.unknown-recipient": nobody(mail) is not None,
        "refusals.postmaster.*": len(mail.domains) > 1,
        "certificates.acme": bool(mail.tls.acme),
        "dns.blocklist.*": bool(blocklists and public),
        "dns.tlsa.*": any(subject.tlsa for subject in host),
        "dns.mta-sts.*": policies,
    }
    return frozenset(key for key, wanted in asked.items() if not wanted)


def envelopes(mail: MailServer) -> dict[str, tuple[str, str]]:
    """What a stranger tries at port 25: check -> (sender, recipient). ``<>`` as sender needs no DNS."""
    postmaster = f"postmaster@{mail.domains[0]}"  # must receive (RFC 5321, 4.5.1); strangers do not reach the probe
    tries = {
        "inbound": ("", postmaster),
        "relay": ("", STRANGER),
        "spoofed": (next(iter(mail.mailboxes)), postmaster),
    }
    tries |= {f"inbound-{domain}": ("", f"postmaster@{domain}") for domain in mail.domains[1:]}
    unknown = nobody(mail)
    return tries | ({"unknown-recipient": ("", unknown)} if unknown else {})


def plan(mail: MailServer) -> dict[str, Any]:
    """What on_host/examine.py asks for; holds no secret.

    ``tls``: [kind, name, port] of every door with TLS; ``readers``: [kind, port] of those that hand letters out;
    ``patience``: seconds.
    """
    all_doors = doors(mail)
    sieve = [door.port for door in all_doors if door.kind == "sieve"]
    return {
        "hostname": mail.hostname,
        "names": [*mail.names, *mail.tls.by_name],
        "tls": [[door.kind, name, door.port] for door in all_doors if door.kind for name in _names(mail, door)],
        "chain": mail.tls.chain_path,
        "authorities": [mail.tls.authority_path],
        "trusted": list(mail.trusted_networks),
        "envelopes": envelopes(mail),
        "other": f"postmaster@{mail.domains[0]}",
        "probe": probe(mail),
        "secret": PROBE_SECRET,
        "maildir": PROBE_MAILDIR,
        "patience": PATIENCE,
        "readers": [[door.kind, door.port] for door in all_doors if door.kind in ("imap", "imaps", "pop3", "pop3s")],
        "sieve": sieve[0] if sieve else None,
        "keys": KEYS if mail.filter else None,
        "webmail": {"name": mail.webmail.hostname, "port": mail.webmail.port} if mail.webmail else None,
    }


def _names(mail: MailServer, door: Door) -> tuple[str, ...]:
    """All names whose certificates are looked at there; those with one of their own only where TLS comes first."""
    further = mail.tls.by_name if door.kind in ("smtps", "imaps", "pop3s") else ()
    return (_name(mail, door), *further)


def _name(mail: MailServer, door: Door) -> str:
    """The name that clients of a door ask for."""
    return str(mail.webmail.hostname) if mail.webmail and door.kind == "https" else mail.hostname
