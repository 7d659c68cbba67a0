"""What a mail host must do, as mail.yaml has it: the questions to ask at its ports."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from deploys.components.account.render import PORT
from deploys.components.component import Listener
from deploys.components.dovecot.render import PROBE_HOME
from deploys.components.rspamd.render import KEYS
from deploys.config.mailserver import MailServer
from deploys.records.context import DomainContext
from deploys.records.reverse import is_public
from facts.probe import PROBE

PATIENCE = 10  # seconds a message may take from the queue to the mailbox
PROBE_SECRET = f"{PROBE}/password"
PROBE_MAILDIR = f"{PROBE_HOME}/Maildir"
UNKNOWN_SENDER = "somebody@elsewhere.invalid"  # RFC 2606: no such domain, ever
NOBODY = "no-such-mailbox"


def nobody(mail: MailServer) -> str | None:
    """An address that must be refused; None if every domain catches all."""
    strict = [domain for domain in mail.domains if domain not in mail.catch_all]
    return f"{NOBODY}@{strict[0]}" if strict else None


def undeclared(mail: MailServer, contexts: Sequence[DomainContext], blocklists: Sequence[str]) -> frozenset[str]:
    """Keys of results that rules rest on and that this mail.yaml does not ask for. Their absence is no gap to a rule;
    that of any other is. ``contexts``, ``blocklists``: what the DNS is asked about."""
    host = contexts[:1]
    public = [one for context in host for one in context.addresses if is_public(one)]
    policies = any(context.pages and context.settings.mta_sts for context in contexts)
    asked = {
        "messages.dkim": bool(mail.filter),
        "refusals.from": bool(mail.filter),
        "services.rspamd": bool(mail.filter),
        "refusals.unknown-recipient": nobody(mail) is not None,
        "refusals.postmaster.*": len(mail.domains) > 1,
        "certificates.acme": bool(mail.tls.acme),
        "dns.blocklist.*": bool(blocklists and public),
        "dns.tlsa.*": any(context.tlsa for context in host),
        "dns.mta-sts.*": policies,
    }
    return frozenset(key for key, wanted in asked.items() if not wanted)


def envelopes(mail: MailServer) -> dict[str, tuple[str, str]]:
    """What an unauthenticated client tries at port 25: check -> (sender, recipient). ``<>`` as sender needs no DNS."""
    postmaster = (
        f"postmaster@{mail.domains[0]}"  # must receive (RFC 5321, 4.5.1); nobody from outside reaches the probe
    )
    tries = {
        "inbound": ("", postmaster),
        "relay": ("", UNKNOWN_SENDER),
        "spoofed": (next(iter(mail.mailboxes)), postmaster),
    }
    tries |= {f"inbound-{domain}": ("", f"postmaster@{domain}") for domain in mail.domains[1:]}
    unknown = nobody(mail)
    return tries | ({"unknown-recipient": ("", unknown)} if unknown else {})


def plan(mail: MailServer, ports: Sequence[Listener]) -> dict[str, Any]:
    """What remote/run.py asks for; holds no secret.

    ``ports``: those that are declared. ``tls``: [kind, name, port] of every one with TLS; ``readers``: [kind, port] of
    those that hand messages out;
    ``patience``: seconds.
    """
    sieve = [listener.port for listener in ports if listener.kind == "sieve"]
    return {
        "hostname": mail.hostname,
        "names": [*mail.names, *mail.tls.sni],
        "tls": [
            [listener.kind, name, listener.port]
            for listener in ports
            if listener.kind
            for name in _names(mail, listener)
        ],
        "chain": mail.tls.chain_path,
        "ca_files": [mail.tls.ca_path],
        "trusted": list(mail.trusted_networks),
        "envelopes": envelopes(mail),
        "other": f"postmaster@{mail.domains[0]}",
        "probe": mail.directory.probe,
        "secret": PROBE_SECRET,
        "maildir": PROBE_MAILDIR,
        "patience": PATIENCE,
        "readers": [
            [listener.kind, listener.port] for listener in ports if listener.kind in ("imap", "imaps", "pop3", "pop3s")
        ],
        "sieve": sieve[0] if sieve else None,
        "account": PORT if mail.accounts == "virtual" else None,
        "keys": KEYS if mail.filter else None,
        "webmail": _webmail(mail),
    }


def _webmail(mail: MailServer) -> dict[str, Any] | None:
    page = mail.webmail
    return {"name": page.hostname, "port": page.port, "program": page.program} if page else None


def _names(mail: MailServer, listener: Listener) -> tuple[str, ...]:
    """All names whose certificates are looked at there; those with one of their own only where TLS comes first."""
    further = mail.tls.sni if listener.kind in ("smtps", "imaps", "pop3s") else ()
    return (_name(mail, listener), *further)


def _name(mail: MailServer, listener: Listener) -> str:
    """The name that clients ask for there."""
    return str(mail.webmail.hostname) if mail.webmail and listener.kind == "https" else mail.hostname
