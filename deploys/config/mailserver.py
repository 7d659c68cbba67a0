"""MailServer: what the options of mail.yaml mean, for every component; and the checks between them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import Any

from pydantic import ModelWrapValidatorHandler, PrivateAttr, ValidationError, ValidationInfo, model_validator

from deploys.components.autoconfig.options import page_names
from deploys.components.postfix.options import Relayhost
from deploys.components.rspamd.options import CONTROLLER
from deploys.components.sending.options import limits
from deploys.components.tls.options import MOST_NAMES
from deploys.components.unbound.options import ADDRESS
from deploys.config.addresses.checks import contradictions
from deploys.config.addresses.options import Directory
from deploys.config.base import Problem, refuse
from deploys.config.options import MailOptions
from deploys.config.reading import errors
from deploys.config.reading.shape import without_blanks
from deploys.records.options import HostRecords, Records
from deploys.values import certificates as check
from deploys.values import without_repeats
from deploys.values.names import domain_of


class MailServer(MailOptions):
    """The server that a mail.yaml declares."""

    _words: str = PrivateAttr(default="")

    @property
    def words(self) -> str:
        """The whole text of the mail.yaml that it was read from, which backups keep; "" where it was no file."""
        return self._words

    @classmethod
    def read(cls, settings: Mapping[str, Any] | MailServer, base: Path | str = ".") -> MailServer:
        """The server that ``settings`` (the mapping of a mail.yaml) declare; relative paths start from ``base``.

        Raises SettingsError with every reason at once. What has been read already comes back as it is.
        """
        if isinstance(settings, MailServer):
            return settings
        try:
            return cls.model_validate(without_blanks(cls, settings), context={"base": base})
        except ValidationError as error:
            raise errors.SettingsError(errors.as_lines(errors.problems(error, cls))) from None

    @model_validator(mode="after")
    def _fill_in(self) -> MailServer:
        """The defaults that depend on other options. (``frozen`` is for everybody else.)"""
        if self.postmaster is None:
            object.__setattr__(self, "postmaster", next(iter(self.mailboxes)))
        if self.webmail and self.webmail.hostname is None:
            named = self.webmail.model_copy(update={"hostname": f"webmail.{self.domains[0]}"})
            object.__setattr__(self, "webmail", named)
        return self

    @model_validator(mode="wrap")
    @classmethod
    def _everything_at_once(
        cls, settings: Any, handler: ModelWrapValidatorHandler[MailServer], info: ValidationInfo
    ) -> MailServer:
        """Errors between values are told together with errors in them, not one run later.

        (This comes after ``_fill_in``, for pydantic puts later validators around earlier ones.)
        """
        between = contradictions(settings) if isinstance(settings, Mapping) else []
        try:
            mail = handler(settings)
        except ValidationError as error:
            refuse(between, earlier=error)
        between += _certificate(mail) if info.context else []
        between += [*_own_domains_blocked(mail), *_unguarded(mail), *_kept_elsewhere(mail), *_nobodys(mail)]
        if between:
            refuse(between)
        return mail

    @property
    def domains(self) -> tuple[str, ...]:
        """The names of the mail domains."""
        return tuple(self.domain_settings)

    @cached_property
    def records(self) -> Records:
        """What was said on the DNS, of the host and of each domain."""
        return Records(
            **{name: getattr(self.dns, name) for name in HostRecords.model_fields}, domains={**self.domain_settings}
        )

    @cached_property
    def directory(self) -> Directory:
        """All addresses of this server."""
        return Directory(
            domains=self.domains,
            mailboxes=self.mailboxes,
            aliases=self.aliases,
            catch_all=self._all_catch_all,
            former_domains=self.former_domains,
            postmaster=self.postmaster or "",
            accounts=self.accounts,
            quota=self.quota,
            owner=self.vmail,
        )

    @property
    def former_domains(self) -> dict[str, tuple[str, ...]]:
        """The domains that had other names, with those."""
        return {name: one.formerly for name, one in self.domain_settings.items() if one.formerly}

    @property
    def _all_catch_all(self) -> dict[str, str]:
        formerly = {
            old: self.catch_all[new]
            for new, olds in self.former_domains.items()
            if new in self.catch_all
            for old in olds
        }
        return {**formerly, **self.catch_all}

    @property
    def forwards(self) -> bool:
        """Whether some alias or catch-all leads to another server."""
        targets = (*self.aliases.values(), *((target,) for target in self.catch_all.values()))
        return any(domain_of(address) not in self.domain_settings for group in targets for address in group)

    @cached_property
    def relayhosts(self) -> dict[str, Relayhost]:
        """The relayhosts of domains that have one of their own, by domain."""
        return {name: one.relayhost for name, one in self.domain_settings.items() if one.relayhost}

    @property
    def limits_sending(self) -> bool:
        """Whether anybody's sending has a limit."""
        return any(limits(self.sending, one) for one in (None, *self.directory.own_sending.values()))

    @property
    def resolves(self) -> bool:
        """Whether the host has a resolver of our making."""
        return self.resolver != "host"

    @property
    def tls_policies(self) -> bool:
        """Whether others' MTA-STS policies are followed: messages go straight to them, and names are known for sure."""
        return self.resolves and self.relayhost is None

    @property
    def nameserver(self) -> str | None:
        """Whom the mail programs ask; None: whoever the host asks."""
        return ADDRESS if self.resolves else None

    @property
    def learn_endpoint(self) -> str | None:
        """Where rspamd learns what people move to and from Junk; None: it does not learn."""
        return CONTROLLER if self.filter and self.filter.learn else None

    @property
    def signers(self) -> tuple[str, ...]:
        """The names whose messages are signed: the domains, and the host, which writes the bounces."""
        return (*self.domains, self.hostname)

    @property
    def pages(self) -> bool:
        """Whether pages for mail programs are served."""
        return self.clients

    @cached_property
    def uncovered(self) -> tuple[str, ...]:
        """The pages' names that the operator's own certificate lacks."""
        wanted = [name for domain in self.domains for name in self._page_names(domain) if name not in self.tls.sni]
        return check.uncovered(self.tls.certificate.read_bytes(), wanted) if self.tls.certificate else ()

    @cached_property
    def paged(self) -> tuple[str, ...]:
        """The domains whose mail programs are answered under names of their own, which the certificate can cover: all
        that the operator's own does, and of one that we get the first ones, as many as it may hold."""
        covered = [domain for domain in self.domains if self.pages and not self._missing(domain)]
        if self.tls.certificate:
            return tuple(covered)
        needed = accumulate((len(self._to_certify(domain)) for domain in covered), initial=len(self.names))
        return tuple(domain for domain, names in zip(covered, list(needed)[1:], strict=True) if names <= MOST_NAMES)

    @property
    def crowded_out(self) -> tuple[str, ...]:
        """The domains that have no pages of their own since the certificate is full."""
        paged = set(self.paged)
        others = (domain for domain in self.domains if self.pages and domain not in paged)
        return tuple(domain for domain in others if not self._missing(domain))

    @property
    def page_names(self) -> tuple[str, ...]:
        """The host names of the pages for mail programs, which the certificate covers as soon as the DNS has them."""
        return tuple(name for domain in self.paged for name in self._to_certify(domain))

    def _to_certify(self, domain: str) -> tuple[str, ...]:
        return tuple(name for name in self._page_names(domain) if name not in self.tls.sni)

    def _page_names(self, domain: str) -> tuple[str, ...]:
        return page_names(domain, policy=bool(self.domain_settings[domain].mta_sts))

    def _missing(self, domain: str) -> set[str]:
        return set(self._page_names(domain)) & set(self.uncovered)

    @property
    def policy_domains(self) -> tuple[str, ...]:
        """The domains with pages that have an MTA-STS policy."""
        return tuple(domain for domain in self.paged if self.pages and self.domain_settings[domain].mta_sts)

    @property
    def names(self) -> tuple[str, ...]:
        """The host names that the certificate must cover."""
        page = (self.webmail.hostname,) if self.webmail and self.webmail.hostname else ()
        return without_repeats((self.hostname, *(name for name in page if name not in self.tls.sni)))

    def to_json(self) -> dict[str, Any]:
        """For ``pyinfra … debug-inventory``: everything but the hashes."""
        return self.model_dump(mode="json", by_alias=True, exclude={"mailboxes": {"__all__": {"password"}}})


def _own_domains_blocked(mail: MailServer) -> list[Problem]:
    """What would refuse messages in the name of our own people: forwarded ones and newsletters' among them."""
    named = mail.filter.block if mail.filter else ()
    ours = [one for one in named if any(f".{domain}".endswith(f".{domain_of(one)}") for domain in mail.domains)]
    text = "is of this server itself; strangers cannot write as its mailboxes anyway, so take it away"
    return [(("filter", "block"), f"{one} {text}") for one in ours]


def _unguarded(mail: MailServer) -> list[Problem]:
    """Ports for some networks alone, and nobody who keeps the others out."""
    if not mail.metrics or not mail.metrics.networks or mail.firewall == "nftables":
        return []
    text = "is kept by `firewall: nftables` alone; without it write `metrics: true`, which listens on loopback"
    return [(("metrics", "from"), text)]


def _kept_elsewhere(mail: MailServer) -> list[Problem]:
    if mail.accounts == "virtual" or not mail.archive:
        return []
    homes = "is for virtual mailboxes; take it away: with accounts: system people's mail lies in their own homes"
    return [(("archive",), homes)]


def _nobodys(mail: MailServer) -> list[Problem]:
    text = "is none of mailboxes; declare it there, or its messages have nowhere to go"
    return [(("messages_from", address), text) for address in mail.messages_from if address not in mail.mailboxes]


def _certificate(mail: MailServer) -> list[Problem]:
    """What is wrong with the operator's own certificate, before any host sees it."""
    now = datetime.now(UTC)
    found = []
    if mail.tls.certificate and mail.tls.key:
        texts = check.problems(mail.tls.certificate.read_bytes(), mail.tls.key.read_bytes(), mail.names, now)
        found += [_placed(text) for text in texts]
    for name, own in mail.tls.sni.items():
        if name == mail.hostname:
            text = "is hostname, which everybody sees who asks for no name; write its certificate and key at tls itself"
            found.append((("tls", "sni", name), text))
        texts = check.problems(own.certificate.read_bytes(), own.key.read_bytes(), [name], now)
        found += [_placed(text, "sni", name) for text in texts]
    return found


def _placed(text: str, *below: str) -> Problem:
    """``tls.key does not …`` as a problem at tls.key (or ``below``); what names neither is the certificate's."""
    where, _, what = text.partition(" ")
    word = where.removesuffix(":").removeprefix("tls.")
    known = word in ("certificate", "key")
    said = what if known else text
    return ("tls", *below, word if known else "certificate"), said.replace("tls.", ".".join(("tls", *below, "")))
