"""Where the certificate comes from."""

from __future__ import annotations

from pydantic import Field, model_validator

from deploys.components.tls.acme import Acme
from deploys.components.tls.pem import PemFile
from deploys.config.base import Settings, refuse
from deploys.values import HostName
from facts.state import CERTIFICATES

DIRECTORY = CERTIFICATES
WEBROOT = "/var/lib/posthaus-acme"  # Apache serves it to everybody
MOST_NAMES = 100  # of one certificate: Let's Encrypt's limit, and others'; OpenSSL takes no chain above 100 KiB
# A directory for each name of tls.sni. Not below the other: services that never read it would seem to run with
# old files when it goes away.
SNI_DIRECTORY = f"{CERTIFICATES}-sni"


class Named(Settings):
    """A certificate of its own for one more name of this host."""

    certificate: PemFile = Field(
        description="As `tls.certificate`, for this name alone.", examples=["example.net/fullchain.pem"]
    )
    key: PemFile = Field(description="As `tls.key`.", examples=["example.net/privkey.pem"])


class Tls(Settings):
    """Nothing said: a local CA on the host signs, for trials. Else the operator's files, on the workstation,
    or an ACME CA."""

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
        description="A certificate from Let's Encrypt or another ACME CA, renewed by the host.",
        examples=[{"email": "hostmaster@example.org"}],
    )

    sni: dict[HostName, Named] = Field(
        default={},
        description="Further names of this host with certificates of their own, shown to clients that ask for them"
        " (SNI). With `acme` one certificate covers all names, and none is needed here.",
        examples=[{"mail.example.net": {"certificate": "example.net/fullchain.pem", "key": "example.net/privkey.pem"}}],
    )

    @model_validator(mode="after")
    def _is_whole(self) -> Tls:
        if (self.certificate is None) != (self.key is None):
            missing, given = ("key", "certificate") if self.key is None else ("certificate", "key")
            refuse([((missing,), f"is missing, and {given} is given; write both, or neither for a local CA")])
        if self.acme and self.certificate:
            refuse([(("acme",), "stands beside certificate and key; write one or the other")])
        return self

    @property
    def by_http(self) -> bool:
        """Whether a CA comes to port 80 of every name, so that Apache must answer there."""
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
        return (DIRECTORY, SNI_DIRECTORY) if self.sni else (DIRECTORY,)

    def chain_of(self, name: str) -> str:
        """The chain that is shown to whoever asks for ``name``."""
        return f"{SNI_DIRECTORY}/{name}/fullchain.pem" if name in self.sni else self.chain_path

    def key_of(self, name: str) -> str:
        """Its private key (PEM, root only)."""
        return f"{SNI_DIRECTORY}/{name}/privkey.pem" if name in self.sni else self.key_path

    @property
    def ca_path(self) -> str:
        """The local CA's certificate on the host, where there is one."""
        return f"{DIRECTORY}/ca/ca.pem"
