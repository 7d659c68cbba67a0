"""What a verification asks the host besides the messages that it sends: all of it in one remote command."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from deploys.checks import packages, reports
from deploys.checks.parts import Parts
from deploys.components import all as every
from deploys.components.component import Component
from deploys.components.tls.options import DIRECTORY
from deploys.components.unbound.options import ADDRESS, Forward
from deploys.config.mailserver import MailServer
from deploys.records.options import Records
from facts.acme import AcmeCertificate, AcmeState
from facts.bans import Bans, BanState
from facts.dns import PublicRecords, Publishable
from facts.firewall import Loaded, Rules
from facts.held import Held, HeldMessages
from facts.listeners import Listeners, Socket
from facts.mailboxes import Mailboxes, Usage
from facts.packages import Leftovers, LeftoverState
from facts.reports import ReportMessages
from facts.resolvers import Answers, Resolvers
from facts.survey import Question, question
from facts.units import Unit, UnitState
from operations.survey import ask, together

T = TypeVar("T")


@dataclass(frozen=True)
class HostState:
    """What the host says; None where nothing of the kind is declared, or where it could not be looked at. ``units``: by
    name; ``mailboxes``: by address; ``reports``: messages that call themselves so."""

    listeners: list[Socket] = field(default_factory=list)
    units: Mapping[str, Unit] = field(default_factory=dict)
    rules: Loaded | None = None
    leftovers: LeftoverState | None = None
    resolvers: Answers | None = None
    certificate: AcmeState | None = None
    records: Publishable | None = None
    mailboxes: Mapping[str, Usage] = field(default_factory=dict)
    reports: Sequence[bytes] = ()
    held: Mapping[str, Held] | None = None
    bans: BanState | None = None


def host_state(mail: MailServer, parts: Sequence[Component], settings: Records | None, looks: Parts) -> HostState:
    """Look at a host that is ``parts``. ``settings``: what is said on the DNS in mail.yaml and the inventory; ``looks``
    gets a result for each part that cannot be looked at."""
    single = {one: about for one, about in _single(mail, settings).items() if about}
    units = {one.unit: question(UnitState, **one.question) for one in every.services(parts)}
    with together([*units.values(), *single.values()]):
        return HostState(
            units=looks.look("services", lambda: {unit: said(about) for unit, about in units.items()}, {}),
            **{one: answer for one, about in single.items() if (answer := _part(looks, one, about)) is not None},
        )


def said(about: Question[T]) -> T:
    """What the host says. One that says nothing fails no run: then it is as if there were nothing."""
    return ask(about, _ignore_errors=True)


def forwarders(mail: MailServer) -> tuple[str, ...]:
    """Whom the host's resolver asks instead of the root."""
    return tuple(mail.resolver.forward) if isinstance(mail.resolver, Forward) else ()


def _part(looks: Parts, part: str, about: Question[T]) -> T | None:
    return looks.look(part, lambda: said(about), None)


def _single(mail: MailServer, settings: Records | None) -> dict[str, Question[Any] | None]:
    """By the fields of HostState; None: not asked."""
    dns = settings if mail.dns.verify else None
    readers = reports.readers(mail) if mail.dns.reports else []
    return {
        "listeners": question(Listeners),
        "held": question(HeldMessages),
        "rules": question(Rules) if mail.firewall == "nftables" else None,
        "leftovers": question(Leftovers, directories=list(packages.DIRECTORIES)),
        "resolvers": question(Resolvers, addresses=[ADDRESS, *forwarders(mail)]) if mail.resolves else None,
        "certificate": question(AcmeCertificate, directory=DIRECTORY) if mail.tls.acme else None,
        "records": records(mail, dns) if dns else None,
        "mailboxes": question(Mailboxes) if dns else None,
        "bans": question(Bans) if mail.bans else None,
        "reports": question(ReportMessages, logins=readers, days=reports.DAYS) if readers else None,
    }


def records(mail: MailServer, settings: Records) -> Question[Publishable]:
    """What of the host the DNS shall tell: addresses, keys, the certificate."""
    next_key = settings.next_key if mail.tls.acme else ""  # one that nothing leads to is not published
    return question(PublicRecords, keys=settings.keys, certificate=mail.tls.chain_path, next_key=next_key)
