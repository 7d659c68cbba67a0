"""MailServer: all rooms' settings in one model, plus checks between rooms."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    ModelWrapValidatorHandler,
    ValidationError,
    ValidationInfo,
    model_validator,
)

from deploys.apache import render as apache
from deploys.directory.checks import contradictions
from deploys.directory.settings import Accounts, Directory, Mailbox
from deploys.dovecot import render as dovecot
from deploys.dovecot.settings import Dovecot
from deploys.filter import render as rspamd
from deploys.filter.settings import MILTER, Filter
from deploys.host import render as host
from deploys.postfix import render as postfix
from deploys.postfix.settings import Postfix, PostfixWords, Relayhost
from deploys.reading import errors
from deploys.reading.shape import without_blanks
from deploys.records.settings import DomainRecords, HostRecords, Records
from deploys.resolver import render as unbound
from deploys.resolver.settings import ADDRESS, ResolverWord
from deploys.settings import Problem, Settings, refuse
from deploys.squirrelmail import render as squirrelmail
from deploys.squirrelmail.settings import Webmail
from deploys.srs import render as srs
from deploys.tls import check
from deploys.tls import render as tls
from deploys.tls.settings import Tls
from deploys.values import (
    Address,
    AliasAddress,
    Domain,
    HostName,
    MailboxAddress,
    Network,
    Size,
    sizes,
    without_repeats,
)
from deploys.values.names import domain_of
from operations.file import File


def _page_or_none(value: object, info: ValidationInfo) -> object:
    if value is True:
        raise ValueError("is yes; write false for no webmail, or take the line away to have one")
    return value if value is False else Webmail.model_validate(value, context=info.context)


def _filter_or_none(value: object, info: ValidationInfo) -> object:
    if value is True:
        raise ValueError("is yes; write false for none, or take the line away to have it")
    return value if value is False else Filter.model_validate(value, context=info.context)


def _named(value: object) -> object:
    """A list of domains is a mapping in which nothing is said of any."""
    if isinstance(value, (list, tuple)):
        return {name: {} for name in value if isinstance(name, str)} if value else {}
    if not isinstance(value, Mapping):
        raise ValueError("is not a list; write [one, another]")
    return value


MessageSize = Annotated[Size, AfterValidator(sizes.between(64 << 10, 1 << 30))]  # least: RFC 5321, 4.5.3.1.7
Quota = Annotated[Size, AfterValidator(sizes.between(0, 1 << 50))]
Networks = Annotated[tuple[Network, ...], AfterValidator(without_repeats)]
Checks = Annotated[Filter | Literal[False], BeforeValidator(_filter_or_none)]
Targets = Annotated[tuple[Address, ...], Field(min_length=1), AfterValidator(without_repeats)]
Domains = Annotated[dict[Domain, DomainRecords], BeforeValidator(_named)]
Page = Annotated[Webmail | Literal[False], BeforeValidator(_page_or_none)]


class MailServer(Settings):
    """The words of mail.yaml, as the operator groups them: a hostname, a domain and a mailbox are enough."""

    hostname: HostName = Field(
        description="The server's own name in the DNS, which it greets with and mail programs connect to."
        " It cannot be one of `domains`.",
        examples=["mail.example.org"],
    )
    domain_words: Domains = Field(
        alias="domains",
        min_length=1,
        description="The domains whose mail arrives here, as a list, or as a mapping to what is said of each. Names in"
        " any script; they are turned into xn-- form.",
        examples=[["example.org", "bücher.example"]],
    )
    mailboxes: dict[MailboxAddress, Mailbox] = Field(
        min_length=1,
        description="Who has a mailbox. Upper and lower case are the same; tagged mail (tito+shop@) arrives in tito's.",
        examples=[{"tito@example.org": {"password": "{ARGON2ID}$argon2id$v=19$m=19456,t=2,p=1$…", "quota": "5G"}}],
    )
    aliases: dict[AliasAddress, Targets] = Field(
        default={},
        description="Addresses that lead to others, here or elsewhere. To forward a mailbox and keep a copy, list its"
        " own address too. postmaster@ and abuse@ every domain lead to `postmaster` unless they are declared.",
        examples=[{"sales@example.org": ["tito@example.org", "iqbal@example.org"]}],
    )
    catch_all: dict[Domain, Address] = Field(
        default={},
        description="For a domain, the address that gets the mail to nobody there. Without it such mail is refused.",
        examples=[{"example.org": "tito@example.org"}],
    )
    postmaster: Address | None = Field(
        default=None,
        description="Who reads the mail to postmaster@, abuse@ and root. Default: the first of `mailboxes`.",
        examples=["tito@example.org"],
    )
    accounts: Accounts = Field(
        default="virtual",
        description="`virtual`: mailboxes of this server alone. `system`: every mailbox is a Unix user (made if"
        " missing) with ~/Maildir, who logs in as tito or tito@example.org.",
    )
    quota: Quota = Field(default=1 << 30, description="The most one mailbox may hold; 0 is no limit.", examples=["5G"])
    message_size: MessageSize = Field(
        default=50 << 20,
        description="The largest message, as it travels (attachments grow by a third), by SMTP and webmail. 64K to 1G.",
        examples=["25M"],
    )
    trusted_networks: Networks = Field(
        default=(),
        description="Networks whose hosts may send mail anywhere without a password; loopback always may.",
        examples=[["192.0.2.0/28", "2001:db8::/64"]],
    )
    relayhost: Relayhost | None = Field(
        default=None,
        description="The server that takes all outgoing mail. Default: straight to each recipient's own.",
        examples=[{"host": "smtp.example.net", "username": "tito", "password": {"file": "relayhost.password"}}],
    )
    tls: Tls = Field(
        default=Tls(),
        description="The certificate: by `acme`, or your own files. Default: an authority made on the host signs one,"
        " which is for trials.",
        examples=[{"acme": {"email": "hostmaster@example.org"}}],
    )
    webmail: Page = Field(
        default=Webmail(), description="The webmail, SquirrelMail; `false` for none.", examples=[False]
    )
    filter: Checks = Field(
        default=Filter(), description="The filter, rspamd: signs, checks, sorts; `false` for none.", examples=[False]
    )
    resolver: ResolverWord = Field(
        default="local",
        description="Whom the mail programs ask for names. `local`: a resolver on the host, which asks the world itself"
        " and validates (DNSSEC); blocklists and DANE want it. `host`: whoever the host asks. `{forward: …}`: a local"
        " one that asks others.",
        examples=[{"forward": ["192.0.2.53"]}],
    )
    dns: HostRecords = Field(default=HostRecords(), description="What the DNS shall say of the host.")
    postfix: PostfixWords = Field(default=PostfixWords(), description="What has no word of its own here, for Postfix.")
    dovecot: Dovecot = Field(default=Dovecot(), description="For Dovecot.")

    @classmethod
    def read(cls, words: Mapping[str, Any] | MailServer, base: Path | str = ".") -> MailServer:
        """The server that ``words`` (the mapping of a mail.yaml) declare; relative paths in them start from ``base``.

        Raises WordsError with every reason at once. What has been read already comes back as it is.
        """
        if isinstance(words, MailServer):
            return words
        try:
            return cls.model_validate(without_blanks(cls, words), context={"base": base})
        except ValidationError as error:
            raise errors.WordsError(errors.as_lines(errors.problems(error, cls))) from None

    @model_validator(mode="after")
    def _fill_in(self) -> MailServer:
        """The defaults that depend on other words. (``frozen`` is for everybody else.)"""
        if self.postmaster is None:
            object.__setattr__(self, "postmaster", next(iter(self.mailboxes)))
        if self.webmail and self.webmail.hostname is None:
            named = self.webmail.model_copy(update={"hostname": f"webmail.{self.domains[0]}"})
            object.__setattr__(self, "webmail", named)
        return self

    @model_validator(mode="wrap")
    @classmethod
    def _everything_at_once(
        cls, words: Any, handler: ModelWrapValidatorHandler[MailServer], info: ValidationInfo
    ) -> MailServer:
        """Errors between values are told together with errors in them, not one run later.

        (This comes after ``_fill_in``, for pydantic puts later validators around earlier ones.)
        """
        between = contradictions(words) if isinstance(words, Mapping) else []
        try:
            mail = handler(words)
        except ValidationError as error:
            refuse(between, earlier=error)
        between += _certificate(mail) if info.context else []
        if between:
            refuse(between)
        return mail

    @property
    def domains(self) -> tuple[str, ...]:
        """The names of the mail domains."""
        return tuple(self.domain_words)

    @cached_property
    def records(self) -> Records:
        """What was said on the DNS, of the host and of each domain."""
        return Records(
            **{name: getattr(self.dns, name) for name in HostRecords.model_fields}, domains=self.domain_words
        )

    @cached_property
    def directory(self) -> Directory:
        """All addresses of this server."""
        return Directory(
            domains=self.domains,
            mailboxes=self.mailboxes,
            aliases=self.aliases,
            catch_all=self.catch_all,
            postmaster=self.postmaster or "",
            accounts=self.accounts,
            quota=self.quota,
        )

    def postfix_room(self, srs: tuple[str, str] | None = None) -> Postfix:
        """The words of Postfix's room, with the top-level ones that are its to keep. ``srs``: whom to ask about it."""
        return Postfix(
            parameters=self.postfix.parameters,
            relayhost=self.relayhost,
            trusted_networks=self.trusted_networks,
            message_size=self.message_size,
            dane=self.resolves,
            srs=srs,
            milter=MILTER if self.filter else None,
        )

    @property
    def forwards(self) -> bool:
        """Whether some alias or catch-all leads to another server."""
        targets = (*self.aliases.values(), *((target,) for target in self.catch_all.values()))
        return any(domain_of(address) not in self.domains for group in targets for address in group)

    @property
    def resolves(self) -> bool:
        """Whether the host has a resolver of our making."""
        return self.resolver != "host"

    @property
    def nameserver(self) -> str | None:
        """Whom the mail programs ask; None: whoever the host asks."""
        return ADDRESS if self.resolves else None

    @property
    def units(self) -> dict[str, File]:
        """What the rooms put below /etc/systemd/system."""
        redis = rspamd.units(self.filter) if self.filter else {}
        return {**redis, **(unbound.units() if self.resolves else {})}

    @property
    def signers(self) -> tuple[str, ...]:
        """The names whose letters are signed: the domains, and the host, which writes the bounces."""
        return (*self.domains, self.hostname)

    @property
    def names(self) -> tuple[str, ...]:
        """The host names that the certificate must cover."""
        page = (self.webmail.hostname,) if self.webmail and self.webmail.hostname else ()
        return without_repeats((self.hostname, *page))

    def packages(self) -> list[str]:
        """The Debian packages of all rooms, sorted."""
        rooms = [
            host.packages(),
            tls.packages(self.tls),
            dovecot.packages(self.dovecot),
            postfix.packages(self.postfix_room()),
        ]
        if self.webmail or self.tls.by_http:
            rooms.append(apache.packages())
        if self.resolves:
            rooms.append(unbound.packages())
        if self.forwards:
            rooms.append(srs.packages())
        if self.filter:
            rooms.append(rspamd.packages(self.filter))
        if self.webmail:
            rooms += [squirrelmail.packages(self.webmail)]
        return sorted({package for room in rooms for package in room})

    def to_json(self) -> dict[str, Any]:
        """For ``pyinfra … debug-inventory``: everything but the hashes."""
        return self.model_dump(mode="json", by_alias=True, exclude={"mailboxes": {"__all__": {"password"}}})


def _certificate(mail: MailServer) -> list[Problem]:
    """What is wrong with the operator's own certificate, before any host sees it."""
    if not (mail.tls.certificate and mail.tls.key):
        return []
    found = check.problems(mail.tls.certificate.read_bytes(), mail.tls.key.read_bytes(), mail.names, datetime.now(UTC))
    return [_placed(text) for text in found]


def _placed(text: str) -> Problem:
    """``tls.key does not …`` as a problem at tls.key; what names neither is the certificate's."""
    where, _, what = text.partition(" ")
    where = where.removesuffix(":")
    known = where in ("tls.certificate", "tls.key")
    return (tuple(where.split(".")), what) if known else (("tls", "certificate"), text)
