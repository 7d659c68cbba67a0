"""Who has a mailbox, and which addresses lead to it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, StrictBool, StrictInt, StrictStr, WithJsonSchema

from deploys.components.sending.options import OwnSendingOption, Sending
from deploys.config.base import Settings
from deploys.values import Domain, MailboxAddress, OneLine, PasswordHash, Size, hashes, without_repeats
from deploys.values.names import domain_of, untagged

Accounts = Literal["virtual", "system"]
AUTOMATIC = ("postmaster", "abuse")  # RFC 2142, section 2 and 4: every domain answers for these
RESERVED = "posthaus-probe"  # the local part of verify's own mailbox


def one_or_more(value: object) -> object:
    """One name may stand there without a list around it."""
    return (value,) if isinstance(value, str) else value


def _one_or_a_list(title: str) -> WithJsonSchema:
    one = {"type": "string", "title": title}
    return WithJsonSchema({"anyOf": [one, {"type": "array", "items": one}]})


Formers = Annotated[
    tuple[MailboxAddress, ...],
    BeforeValidator(one_or_more),
    AfterValidator(without_repeats),
    _one_or_a_list("address"),
]
FormerDomains = Annotated[
    tuple[Domain, ...], BeforeValidator(one_or_more), AfterValidator(without_repeats), _one_or_a_list("domain")
]
People = Annotated[tuple[MailboxAddress, ...], AfterValidator(without_repeats)]


class Mailbox(Settings):
    """One mailbox. ``quota`` is in bytes (None: the server's default; 0: unlimited)."""

    password: PasswordHash | None = Field(
        default=None,
        repr=False,
        description="The hash of the password, in quotes; `script/password` makes one. Argon2, bcrypt ($2b$, $2y$),"
        " SHA-512 ($6$), SHA-256 ($5$), and yescrypt ($y$) are read, and so are Dovecot's {SSHA512}, {SSHA256} and"
        " {PBKDF2}. For whoever moves in with old ones: MD5 ($1$), {SSHA}, {SHA256} and the like, with a warning. With"
        " `accounts: system` it may be left out: the Unix user's own password counts then, and only what crypt(5) has"
        " is read.",
        examples=["{ARGON2ID}$argon2id$v=19$m=19456,t=2,p=1$…"],
    )
    name: OneLine | None = Field(
        default=None,
        description="The person's name, in any script. The webmail's From says it until the person chooses otherwise;"
        " with `accounts: system` it is the Unix user's, where that has none.",
        examples=["José Müller"],
    )
    quota: Size | None = Field(
        default=None,
        description="The most this mailbox may hold; 0 is no limit. Default: `quota` of the server.",
        examples=["5G"],
    )
    login: StrictBool = Field(
        default=True,
        description="`false`: nobody logs in to it by IMAP, POP3, ManageSieve, submission or webmail, whatever the"
        " password, and who is logged in is cut off; messages go on arriving, and filters and aliases go on working."
        " With `accounts: system` other logins of the Unix user are not touched.",
        examples=[False],
    )
    formerly: Formers = Field(
        default=(),
        description="The address, or addresses, that this mailbox had before. The next run hands over what lies there:"
        " messages, rules, password and app passwords, the webmail's settings and address book. Mail to a former name"
        " arrives here, and the person may send as it. Leave it in for as long as that shall be so.",
        examples=["iqbal@example.org"],
    )
    sending: OwnSendingOption = Field(
        default=None,
        description="How much this login may send within an hour; `false` for no limit. Default: `sending` of the"
        " server.",
        examples=[{"messages": 5000}],
    )
    members: People = Field(
        default=(),
        min_length=1,
        description="Makes it a shared mailbox: these people, each with a mailbox of their own, see it in their mail"
        " programs and the webmail under `shared/`, may read, flag, file and delete there, and send as its address."
        " It needs no `password`; with one, whoever has it also sets the mailbox's rules.",
        examples=[["tito@example.org", "iqbal@example.org"]],
    )

    @property
    def crypt(self) -> str | None:
        """The hash without its scheme, as /etc/shadow writes it."""
        return hashes.bare(self.password) if self.password else None


@dataclass(frozen=True)
class Expansion:
    """Where the mail to one address ends: mailboxes here, addresses elsewhere."""

    mailboxes: tuple[str, ...] = ()
    outside: tuple[str, ...] = ()


def _unix_name(text: str) -> str:
    if not re.fullmatch(r"[a-z_][a-z0-9_-]{0,31}", text):  # useradd(8)
        raise ValueError(f"{text!r} cannot be a Unix user; use lower-case letters, digits, - and _, at most 32")
    return text


UnixName = Annotated[StrictStr, AfterValidator(_unix_name)]
Number = Annotated[StrictInt, Field(ge=100, le=59999)]


class Owner(Settings):
    """The Unix user that owns virtual mail, with a group of its own name. A ``uid`` that is written down means that an
    account of that name and number may be used as it is, whoever made it."""

    name: UnixName = Field(default="vmail", description="Its name, and its group's.", examples=["posthaus-mail"])
    uid: Number = Field(
        default=5000,
        description="Its number. Written down, it also says that an account which has this name and number already may"
        " be used as it is, whoever made it.",
        examples=[5001],
    )
    gid: Number | None = Field(
        default=None, description="Its group's number. Default: the same as `uid`.", examples=[5001]
    )

    @property
    def group_id(self) -> int:
        """The number of its group."""
        return self.uid if self.gid is None else self.gid

    @property
    def meant(self) -> bool:
        """Whether the operator wrote the number down."""
        return "uid" in self.model_fields_set


class Directory(Settings):
    """All addresses, lower case and in A-labels. MailServer has checked them against each other."""

    domains: tuple[str, ...]
    mailboxes: dict[str, Mailbox]
    aliases: dict[str, tuple[str, ...]] = Field(default={})
    catch_all: dict[str, str] = Field(default={})
    former_domains: dict[str, tuple[str, ...]] = Field(default={})  # of each domain that had other names
    postmaster: str
    accounts: Accounts = "virtual"
    quota: int = 1 << 30
    owner: Owner = Owner()

    def login(self, address: str) -> str:
        """The name that ``address`` logs in with: whole in virtual mode, the Unix user in system mode."""
        return address if self.accounts == "virtual" else address.partition("@")[0]

    def quota_of(self, address: str) -> int:
        """The limit of a mailbox in bytes; 0: none."""
        quota = self.mailboxes[address].quota
        return self.quota if quota is None else quota

    @property
    def own_sending(self) -> dict[str, Sending | Literal[False]]:
        """What was said of single logins' sending."""
        return {self.login(one): box.sending for one, box in self.mailboxes.items() if box.sending is not None}

    @cached_property
    def own_domains(self) -> frozenset[str]:
        """The domains, to look names up in."""
        return frozenset(self.domains)

    @cached_property
    def all_aliases(self) -> dict[str, tuple[str, ...]]:
        """The declared aliases, and postmaster@ and abuse@ every domain: to the postmaster, unless declared."""
        automatic = {
            f"{local}@{domain}": (self.postmaster,)
            for domain in self.domains
            for local in AUTOMATIC
            if f"{local}@{domain}" not in self.mailboxes
        }
        return {**automatic, **self._former_aliases, **self.aliases}

    @cached_property
    def renamed(self) -> dict[str, tuple[str, ...]]:
        """Mailboxes that had other addresses, each with those, its own and those of its domain's former names."""
        found = {}
        for address, box in self.mailboxes.items():
            names = (address, *box.formerly)
            olds = [old for name in names for old in self._in_former_domains(name)]
            found[address] = without_repeats(one for one in (*box.formerly, *olds) if one not in self.mailboxes)
        return {address: olds for address, olds in found.items() if olds}

    @cached_property
    def _former_aliases(self) -> dict[str, tuple[str, ...]]:
        """Former names lead to what they are now, where their domain is still one of ours."""
        rows = {old: (alias,) for alias in self.aliases for old in self._in_former_domains(alias)}
        rows |= {old: (address,) for address, olds in self.renamed.items() for old in olds}
        return {old: to for old, to in rows.items() if domain_of(old) in self.own_domains and old not in self.mailboxes}

    def _in_former_domains(self, address: str) -> list[str]:
        local, _, domain = address.rpartition("@")
        return [f"{local}@{old}" for old in self.former_domains.get(domain, ())]

    def expand(self, address: str) -> Expansion:
        """Where mail to ``address`` ends, after aliases, tags (+) and the catch-all. Empty for an unknown address."""
        mailboxes: list[str] = []
        outside: list[str] = []
        seen: set[str] = set()
        ahead = [address.lower()]
        for here in ahead:  # which grows meanwhile
            if here in seen:
                continue
            seen.add(here)
            targets = self._targets(here)
            if here in targets:
                mailboxes.append(here)
            elif domain_of(here) not in self.own_domains:
                outside.append(here)
            ahead += targets
        return Expansion(tuple(mailboxes), tuple(outside))

    @cached_property
    def shared(self) -> dict[str, tuple[str, ...]]:
        """Shared mailboxes, each with its members."""
        return {address: box.members for address, box in self.mailboxes.items() if box.members}

    def owners(self, address: str) -> tuple[str, ...]:
        """The logins that may send as ``address``: its mailbox's alone, if it has one, else all it leads to."""
        for known in (address.lower(), untagged(address.lower())):
            if known in self.mailboxes:
                return self._logins((known,))
            if known in self.all_aliases:
                break
        return self._logins(self.expand(address).mailboxes)

    def _logins(self, mailboxes: Iterable[str]) -> tuple[str, ...]:
        """Who reads them: each mailbox's own login, and a shared one's members."""
        people = (one for mailbox in mailboxes for one in (mailbox, *self.shared.get(mailbox, ())))
        return without_repeats(map(self.login, people))

    @cached_property
    def probe(self) -> str:
        """The address of verify's own mailbox, which no mail.yaml declares; its login is all of it."""
        return f"{RESERVED}@{self.domains[0]}"

    @cached_property
    def senders(self) -> dict[str, tuple[str, ...]]:
        """Address, or @domain for a catch-all, to the logins that may send as it."""
        rows = {address: self.owners(address) for address in (*self.mailboxes, *self.all_aliases)}
        caught = {f"@{domain}": self.expand(target).mailboxes for domain, target in self.catch_all.items()}
        rows |= {at_domain: self._logins(mailboxes) for at_domain, mailboxes in caught.items()}
        rows[self.probe] = (self.probe,)
        return {address: logins for address, logins in rows.items() if logins}

    def _targets(self, address: str) -> tuple[str, ...]:
        """One step of Postfix's way: the whole address, then without its tag, then the catch-all."""
        for known in (address, untagged(address)):
            if known in self.all_aliases:
                return self.all_aliases[known]
            if known in self.mailboxes:
                return (known,)
        catch_all = self.catch_all.get(domain_of(address))
        return (catch_all,) if catch_all else ()
