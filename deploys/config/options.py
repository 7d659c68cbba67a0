"""The options of mail.yaml: every one that an operator may write at the top, with what it means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from deploys.components.archive.options import Archive
from deploys.components.backup.options import Backup
from deploys.components.bans.options import Bans
from deploys.components.dovecot.options import Dovecot
from deploys.components.firewall.options import Firewall
from deploys.components.metrics.options import MetricsOption
from deploys.components.postfix.options import PostfixOptions, Relayhost
from deploys.components.rspamd.options import Filter
from deploys.components.sending.options import Sending, SendingOption
from deploys.components.squirrelmail.options import Webmail
from deploys.components.tls.options import Tls
from deploys.components.unbound.options import ResolverOption
from deploys.components.updates.options import Updates, UpdatesOption
from deploys.config.addresses.options import Accounts, FormerDomains, Mailbox, Owner
from deploys.config.addresses.stores import MessagesFrom
from deploys.config.base import Settings, or_none
from deploys.records.options import DomainRecords, HostRecords
from deploys.takeover.options import Takeover
from deploys.values import (
    Address,
    AliasAddress,
    Domain,
    HostName,
    MailboxAddress,
    Network,
    Size,
    names,
    sizes,
    sockets,
    without_repeats,
)


def _named(value: object) -> object:
    """A list of domains is a mapping in which nothing is said of any."""
    if isinstance(value, (list, tuple)):
        if any(not isinstance(name, str) for name in value if name is not None):
            raise ValueError("holds what YAML takes for yes or no, a number or a list; write each name in quotes")
        return {name: {} for name in value if name is not None}
    if not isinstance(value, Mapping):
        raise ValueError("is not a list; write [one, another]")
    return {**value, **{name: {} for name in _former_names(value)}}


def _former_names(domains: Mapping[Any, Any]) -> list[str]:
    """The former names that are not among ``domains`` themselves: they are served as all others are."""
    known, found = {_canonical(name) for name in domains}, []
    for domain in domains.values():
        said = domain.get("formerly") if isinstance(domain, Mapping) else getattr(domain, "formerly", ())
        for name in (said,) if isinstance(said, str) else said if isinstance(said, (list, tuple)) else ():
            if (canonical := _canonical(name)) and canonical not in known:
                known.add(canonical)
                found.append(canonical)
    return found


def _canonical(name: object) -> str | None:
    try:
        return names.host_name(name) if isinstance(name, str) else None
    except ValueError:  # said where it stands
        return None


MessageSize = Annotated[Size, AfterValidator(sizes.between(64 << 10, 1 << 30))]  # least: RFC 5321, 4.5.3.1.7
Quota = Annotated[Size, AfterValidator(sizes.between(0, 1 << 50))]
Networks = Annotated[tuple[Network, ...], AfterValidator(without_repeats)]
OpenPort = Annotated[
    str,
    BeforeValidator(sockets.opened),
    WithJsonSchema({"type": ["integer", "string"], "pattern": "^[0-9]{1,5}(/(tcp|udp))?$", "title": "port"}),
]
OpenPorts = Annotated[tuple[OpenPort, ...], AfterValidator(without_repeats)]
Checks = Annotated[Filter | Literal[False], or_none(Filter, "none", "it")]
Shut = Annotated[Bans | Literal[False], or_none(Bans, "none", "them")]
Targets = Annotated[tuple[Address, ...], Field(min_length=1), AfterValidator(without_repeats)]
Page = Annotated[Webmail | Literal[False], or_none(Webmail, "no webmail", "one")]


class DomainOptions(DomainRecords):
    """All that may be said of one domain."""

    formerly: FormerDomains = Field(
        default=(),
        description="The name, or names, that the domain had before. Each mailbox of it takes over what lies under the"
        " same name there (as `mailboxes.ADDRESS.formerly` does), and mail to the old domain arrives in the new one."
        " The old one is served as long as it stands here: its records in the DNS stay, too.",
        examples=["example.net"],
    )

    relayhost: Relayhost | None = Field(
        default=None,
        description="The server that takes all messages from the domain's addresses, in place of the top `relayhost`."
        " Bounces are from nobody, so they leave as messages from elsewhere do. SPF must name it (`spf.include`).",
        examples=[{"host": "smtp.example.net", "username": "tito", "password": {"file": "relayhost.password"}}],
    )


Domains = Annotated[dict[Domain, DomainOptions], BeforeValidator(_named)]


class MailOptions(Settings):
    """The options of mail.yaml, as the operator groups them: a hostname, a domain and a mailbox are enough."""

    hostname: HostName = Field(
        description="The server's own name in the DNS, which it greets with and mail programs connect to."
        " It cannot be one of `domains`.",
        examples=["mail.example.org"],
    )
    domain_settings: Domains = Field(
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
    vmail: Owner = Field(
        default=Owner(),
        description="The Unix user that owns the messages of virtual mailboxes, made if missing.",
        examples=[{"uid": 5001}],
    )
    quota: Quota = Field(default=1 << 30, description="The most one mailbox may hold; 0 is no limit.", examples=["5G"])
    message_size: MessageSize = Field(
        default=50 << 20,
        description="The largest message, as it travels (attachments grow by a third), by SMTP and webmail. 64K to 1G.",
        examples=["25M"],
    )
    sending: SendingOption = Field(
        default=Sending(),
        description="How much each login may send within an hour, by mail programs and the webmail. What goes beyond"
        " that waits in the queue until `deploys/held.py` releases or drops it; the person and the postmaster are told."
        " `false` for no limit.",
        examples=[{"messages": 1000, "recipients": 3000}],
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
        description="The certificate: by `acme`, or your own files. Default: a CA made on the host signs one,"
        " which is for trials.",
        examples=[{"acme": {"email": "hostmaster@example.org"}}],
    )
    webmail: Page = Field(
        default=Webmail(), description="The webmail, SquirrelMail; `false` for none.", examples=[False]
    )
    clients: bool = Field(
        default=True,
        description="Serve what mail programs ask for to set themselves up (Thunderbird, Outlook, Apple), a page for"
        " people at /setup/, and the MTA-STS policy. Each domain takes three names of the certificate, which holds 100:"
        " the first 32 domains have them, unless further names have certificates of their own (`tls.sni`).",
        examples=[False],
    )
    filter: Checks = Field(
        default=Filter(), description="rspamd: signs, checks, sorts; `false` for none.", examples=[False]
    )
    search: bool = Field(
        default=False,
        description="Find words in messages by an index of each folder (Dovecot's flatcurve, in 2.3 fts-xapian) instead"
        " of reading all of them. It is made when somebody searches, costs up to as much room again as the text has,"
        " and finds words, not every string of characters (docs/search.md).",
        examples=[True],
    )
    resolver: ResolverOption = Field(
        default="local",
        description="Whom the mail programs ask for names. `local`: a resolver on the host, which asks the world itself"
        " and validates (DNSSEC); blocklists, DANE and MTA-STS want it. `host`: the host's own resolvers."
        " `{forward: …}`: a local one that asks others.",
        examples=[{"forward": ["192.0.2.53"]}],
    )
    firewall: Firewall = Field(
        default="nftables",
        description="Who keeps all ports shut that neither a component nor `open_ports` needs. `nftables`: a table of"
        " our own, which touches nobody else's rules; SSH stays open, and rules that would lock you out are taken back."
        " `ufw`: where that is active, it is told which ports to open. `false`: somebody else, or nobody.",
        examples=["ufw"],
    )
    open_ports: OpenPorts = Field(
        default=(),
        description="Further ports that are meant to be open to the world, TCP unless they say `/udp`.",
        examples=[[9100, "51820/udp"]],
    )
    takeover: Takeover = Field(
        default=(),
        description="What a host has from before and Posthaus may replace: `[postfix, dovecot]`, of the components"
        " postfix, dovecot, rspamd, unbound and files, or `true` for all. Without it, configuration that somebody else"
        " wrote stops the run. It is kept on the host first (docs/taking-over.md). Once the host is taken over, the"
        " option may go.",
        examples=[["postfix", "dovecot"]],
    )
    messages_from: MessagesFrom = Field(
        default={},
        description="Where messages of mailboxes lie on the host that another server stored there. The next run copies"
        " them once into our own store, with flags, folders and subscriptions; the originals stay as they are"
        " (docs/adopting.md). Then the option may go.",
        examples=[{"tito@example.org": "maildir:/var/vmail/example.org/tito"}],
    )
    bans: Shut = Field(
        default=Bans(),
        description="Addresses from which passwords are tried are shut out of mail and webmail for a while (never of"
        " SSH): by every protocol together, counted at each attempt; `false` for no bans.",
        examples=[{"failures": 20, "for": "2h", "never": ["203.0.113.7"]}],
    )
    updates: UpdatesOption = Field(
        default=Updates(),
        description="Security updates of the release come by themselves at an hour of yours, and what runs replaced"
        " programs is started anew then; `false` for none.",
        examples=[{"at": "02:30", "reboot": True}],
    )
    metrics: MetricsOption = Field(
        default=False,
        description="Numbers for Prometheus: what `deploys/status.py` sees, every five minutes, and what Dovecot and"
        " rspamd count, by Debian's node_exporter (docs/monitoring.md). `true`: it is asked at 127.0.0.1:9100.",
        examples=[True, {"from": ["192.0.2.10"]}],
    )
    backup: Backup | None = Field(
        default=None,
        description="Each night, a copy of what no run can make again, to another place, by restic (docs/backup.md).",
        examples=[{"repository": "sftp:keeper@backup.example.org:/srv/mail", "password": {"file": "backup.password"}}],
    )
    archive: Archive | None = Field(
        default=None,
        description="For how long a mailbox that is taken out of `mailboxes` lies in the archive, with all that was the"
        " person's, before it is deleted (1d to 3650d). Default: for ever. Whoever gets the address later begins with"
        " an empty one; `deploys/archive.py` lists what is there and brings it back.",
        examples=["30d"],
    )
    dns: HostRecords = Field(default=HostRecords(), description="What the DNS shall say of the host.")
    postfix: PostfixOptions = Field(
        default=PostfixOptions(), description="What has no option of its own here, for Postfix."
    )
    dovecot: Dovecot = Field(default=Dovecot(), description="For Dovecot.")
