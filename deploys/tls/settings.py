"""Where the certificate comes from."""

from __future__ import annotations

from pydantic import Field, model_validator

from deploys.settings import Settings, refuse
from deploys.tls.acme import Acme
from deploys.tls.pem import PemFile
from deploys.values import HostName

DIRECTORY = "/etc/ssl/posthaus"
# A directory for each name of tls.by_name. Not below the other: services that never read it would seem to run with
# old files when it goes away.
MOST_NAMES = 100  # of one certificate: Let's Encrypt's limit, and others'; OpenSSL takes no chain above 100 KiB
BY_NAME = "/etc/ssl/posthaus-by-name"


class Named(Settings):
    """A certificate of its own for one more name of this host."""

    certificate: PemFile = Field(
        description="As `tls.certificate`, for this name alone.", examples=["example.net/fullchain.pem"]
    )
    key: PemFile = Field(description="As `tls.key`.", examples=["example.net/privkey.pem"])


class Tls(Settings):
    """Nothing said: a local authority on the host signs, for trials. Else the operator's files, on the workstation,
    or an authority that speaks ACME."""

    certificate: PemFile | None = Field(
        default=None,
        description="A PEM file on this workstation, relative to this file: the server's certificate, then the"
        " intermediate ones (a `fullchain.pem`). It must cover `hostname` and `webmail.hostname`.",
        examples=["fullchain.pem"],
    )
    key: PemFile | None = Field(
        default=None, description="Its private key, likewise, without a passphrase.", examples=["privkey.pem"]
    )
    acme: Acme | None = Field(
        default=None,
        description="A certificate from Let's Encrypt or another authority that speaks ACME, renewed by the host.",
        examples=[{"email": "hostmaster@example.org"}],
    )

    by_name: dict[HostName, Named] = Field(
        default={},
        description="Further names of this host with certificates of their own, shown to clients that ask for them"
        " (SNI). With `acme` one certificate covers all names, and none is needed here.",
        examples=[{"mail.example.net": {"certificate": "example.net/fullchain.pem", "key": "example.net/privkey.pem"}}],
    )

    @model_validator(mode="after")
    def _is_whole(self) -> Tls:
        if (self.certificate is None) != (self.key is None):
            missing, given = ("key", "certificate") if self.key is None else ("certificate", "key")
            refuse([((missing,), f"is missing, and {given} is given; write both, or neither for a local authority")])
        if self.acme and self.certificate:
            refuse([(("acme",), "stands beside certificate and key; write one or the other")])
        return self

    @property
    def by_http(self) -> bool:
        """Whether an authority comes to port 80 of every name, so that Apache must answer there."""
        return bool(self.acme and self.acme.by_http)

    @property
    def chain_path(self) -> str:
        """The served chain on the host, leaf first (PEM)."""
        return f"{DIRECTORY}/fullchain.pem"

    @property
    def key_path(self) -> str:
        """Its private key on the host (PEM, root only)."""
        return f"{DIRECTORY}/privkey.pem"

    @property
    def directories(self) -> tuple[str, ...]:
        """Where certificates lie that services read."""
        return (DIRECTORY, BY_NAME) if self.by_name else (DIRECTORY,)

    def chain_of(self, name: str) -> str:
        """The chain that is shown to whoever asks for ``name``."""
        return f"{BY_NAME}/{name}/fullchain.pem" if name in self.by_name else self.chain_path

    def key_of(self, name: str) -> str:
        """Its private key (PEM, root only)."""
        return f"{BY_NAME}/{name}/privkey.pem" if name in self.by_name else self.key_path

    @property
    def authority_path(self) -> str:
        """The local authority's certificate on the host, where there is one."""
        return f"{DIRECTORY}/ca/ca.pem"
