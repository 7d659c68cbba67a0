"""What may be said about a domain's records in the DNS, and how they are published."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, StrictStr, model_validator

from deploys.config.base import Settings
from deploys.records.dkimkey import private_key
from deploys.records.tsig import TsigKey, resolve
from deploys.values import Address, Domain, HostName, Port
from deploys.values.secret import BY_NAME
from facts.state import CERTIFICATES

BLOCKLISTS = ("zen.spamhaus.org", "bl.spamcop.net", "psbl.surriel.com")


def ip_address(text: str) -> str:
    """The canonical form of one IPv4 or IPv6 address."""
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise ValueError(f"{text!r} is not an address; write one such as 192.0.2.1 or 2001:db8::1") from None


def dns_name(text: str) -> str:
    """A name in the DNS that is no host's, such as ``_spf.example.net``: underscores are welcome."""
    name = text.lower()
    if not re.fullmatch(r"(?=.{1,253}$)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z0-9-]+", name):
        raise ValueError(f"{text!r} is not a name in the DNS; write one such as _spf.example.net")
    return name


IpAddress = Annotated[StrictStr, AfterValidator(ip_address)]
DnsName = Annotated[StrictStr, AfterValidator(dns_name)]
Seconds = Annotated[int, Field(ge=60, le=31_557_600)]  # 31557600: the most that RFC 8461 allows for max_age


class Dns(Settings):
    """How the records reach the DNS: as files for a person or a tool, or by RFC 2136 to a server of one's own."""

    mode: Literal["file", "rfc2136"] = Field(
        default="file",
        description="`file`: deploys/dns.py writes files and a table. `rfc2136`: it also updates `server`,"
        " of what differs alone.",
    )
    zone: Domain | None = Field(
        default=None, description="The zone that holds the domain, if not itself.", examples=["example.org"]
    )
    ttl: Seconds = Field(default=3600, description="Seconds that others may remember a record.")
    nameservers: dict[HostName, tuple[IpAddress, ...]] = Field(
        default={},
        description="The zone's name servers, for its file; each with addresses if its name is inside the zone.",
        examples=[{"ns1.example.org": ["192.0.2.53"]}],
    )
    server: IpAddress | None = Field(
        default=None, description="The address of the server to update.", examples=["192.0.2.53"]
    )
    port: Port = Field(default=53, description="Its port.")
    key: Annotated[TsigKey, BeforeValidator(resolve), BY_NAME] | None = Field(
        default=None,
        description="The key that signs the update: what `tsig-keygen` printed, or `hmac-sha256:NAME:SECRET`.",
        examples=[{"file": "dns.key"}],
    )

    @model_validator(mode="after")
    def _has_what_its_mode_needs(self) -> Dns:
        if self.mode == "rfc2136" and (self.server is None or self.key is None):
            raise ValueError("rfc2136 needs server (its address) and key ({file: path} of what tsig-keygen printed)")
        if self.mode == "file" and (self.server is not None or self.key is not None):
            raise ValueError("server and key are read only with mode: rfc2136; say that, or take them away")
        return self


class Dmarc(Settings):
    """What others shall do with a message that claims to be from the domain and fails (RFC 7489)."""

    policy: Literal["none", "quarantine", "reject"] = Field(
        default="none",
        description="What others do with forged messages. Begin with `none`: reports come, and nothing is lost.",
        examples=["quarantine"],
    )
    rua: tuple[Address, ...] | None = Field(
        default=None,
        description="Who gets the reports. Default: postmaster@ the domain.",
        examples=[["dmarc@example.org"]],
    )


Selector = Annotated[StrictStr, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,50}[a-z0-9])?$")]


class Dkim(Settings):
    """The keys that messages are signed with (RFC 6376, RFC 8463): an RSA and an Ed25519 key, made on the host once."""

    selector: Selector = Field(
        default="mail",
        description="The name of the keys that sign. A new one makes new keys: publish them first (`publish`).",
        examples=["mail2"],
    )
    publish: tuple[Selector, ...] = Field(
        default=(),
        description="Further keys to have and publish: the next ones until every name server has them, the last ones"
        " until their messages have all arrived.",
        examples=[["mail2"]],
    )
    key: Annotated[SecretStr, BeforeValidator(private_key), BY_NAME] | None = Field(
        default=None,
        description="Your own RSA key (PEM) for `selector`, in place of one made on the host.",
        examples=[{"file": "dkim.pem"}],
    )

    @property
    def selectors(self) -> tuple[str, ...]:
        """Every selector to publish, the RSA key's and its Ed25519 sister's (one selector cannot hold both)."""
        return tuple(
            s for name in dict.fromkeys((self.selector, *self.publish)) for s in (name, ed25519_selector(name))
        )


class Spf(Settings):
    """Who may send for the domain (RFC 7208).

    ``~all`` is the default since ``-all`` lets some receivers refuse a forwarded message before they look at its DKIM
    signature; a DMARC policy of reject refuses the forged ones all the same.
    """

    include: tuple[DnsName, ...] = Field(
        default=(),
        description="Others that send for the domain, by the name of their SPF record.",
        examples=[["_spf.example.net"]],
    )
    all: Literal["-all", "~all", "?all"] = Field(
        default="~all", description="What others make of everybody else's messages."
    )


class MtaSts(Settings):
    """MTA-STS (RFC 8461): others use TLS, and look at the certificate."""

    mode: Literal["testing", "enforce", "none"] = Field(
        default="testing",
        description="`testing` loses no message; `none` is the way back for those who still remember the policy.",
        examples=["enforce"],
    )
    max_age: Seconds | None = Field(
        default=None, description="Seconds that others keep the policy. Default: a day while testing, else a week."
    )

    @property
    def remembered(self) -> int:
        """For how many seconds others keep the policy."""
        return self.max_age or (604_800 if self.mode == "enforce" else 86_400)


class Caa(Settings):
    """Which CAs may sign for the domain (RFC 8659)."""

    issue: Annotated[tuple[DnsName, ...], Field(min_length=1)] = Field(
        description="The CAs.", examples=[["letsencrypt.org"]]
    )
    iodef: Address | None = Field(
        default=None, description="Whom they tell about others' attempts.", examples=["hostmaster@example.org"]
    )


class TlsRpt(Settings):
    """Other servers' reports on TLS (RFC 8460)."""

    rua: tuple[Address, ...] | None = Field(
        default=None, description="Who gets them. Default: postmaster@ the domain.", examples=[["tls@example.org"]]
    )


class DomainRecords(Settings):
    """All that may be said for one domain's records. ``false`` takes a kind away."""

    dns: Dns = Field(default=Dns(), description="How the domain's records reach the DNS.")
    spf: Spf = Field(default=Spf(), description="SPF: who may send for the domain.")
    dkim: Dkim = Field(default=Dkim(), description="DKIM: the keys that its messages are signed with.")
    dmarc: Dmarc = Field(default=Dmarc(), description="DMARC: what becomes of forged messages.")
    mta_sts: MtaSts | Literal[False] = Field(
        default=MtaSts(), description="MTA-STS: TLS is expected here; `false` for none.", examples=[False]
    )
    tlsrpt: TlsRpt | Literal[False] = Field(
        default=TlsRpt(), description="TLS-RPT: who hears of trouble with TLS; `false` for nobody.", examples=[False]
    )
    caa: Caa | Literal[False] = Field(
        default=False,
        description="CAA: which CAs may sign certificates for it.",
        examples=[{"issue": ["letsencrypt.org"]}],
    )


NOTHING_SAID = DomainRecords()


class HostRecords(Settings):
    """What may be said of the host's own records."""

    addresses: tuple[IpAddress, ...] = Field(
        default=(),
        description="The host's addresses as others see them, where it stands behind address translation."
        " Default: its own.",
        examples=[["192.0.2.10", "2001:db8::10"]],
    )
    verify: bool = Field(
        default=True,
        description="Whether `verify` looks at the DNS. `false` is for trials, whose names nobody publishes.",
        examples=[False],
    )
    resolver: IpAddress | None = Field(
        default=None, description="Whom `verify` asks. Default: the workstation's own resolver.", examples=["9.9.9.9"]
    )
    resolver_port: Port = Field(default=53, description="Its port.")
    blocklists: tuple[DnsName, ...] = Field(
        default=BLOCKLISTS, description="Blocklists in which `verify` looks for the host's addresses.", examples=[[]]
    )
    reports: bool = Field(
        default=False,
        description="Whether `verify` reads the reports of the last week: DMARC's and TLS-RPT's, in the mailboxes here"
        " that they come to, of which it reads nothing else.",
        examples=[True],
    )
    tlsa: bool = Field(
        default=False,
        description="Publish the keys of port 25 for DANE (RFC 7672): the one served and, with `tls.acme`, the one that"
        " deploys/rollover.py will serve next. Only for a zone with DNSSEC.",
        examples=[True],
    )


class Records(HostRecords):
    """The host's options and its domains', together.

    ``keys``, ``next_key``: where the host keeps DKIM's keys (DOMAIN.SELECTOR.key) and the key to be served next.
    """

    keys: str = "/var/lib/rspamd/dkim"
    next_key: str = f"{CERTIFICATES}/next-privkey.pem"
    domains: dict[Domain, DomainRecords] = Field(default_factory=dict)

    def of(self, domain: str) -> DomainRecords:
        """What was said for ``domain``, or what holds where nothing was."""
        return self.domains.get(domain, NOTHING_SAID)


def ed25519_selector(selector: str) -> str:
    """The selector of the Ed25519 key that signs beside the RSA key of ``selector`` (RFC 8463, section 3)."""
    return f"{selector}-ed25519"
