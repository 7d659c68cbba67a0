"""What may be said about certificates by ACME (RFC 8555)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from pydantic import AfterValidator, BeforeValidator, Field, StrictInt, StrictStr, ValidationInfo

from deploys.components.tls.pem import PemFile
from deploys.config.base import Settings
from deploys.records.options import IpAddress
from deploys.records.tsig import TsigKey, resolve
from deploys.values import Address, Port
from deploys.values.secret import BY_NAME

LETS_ENCRYPT = "https://acme-v02.api.letsencrypt.org/directory"


def _https(text: str) -> str:
    if not re.fullmatch(r"https://[A-Za-z0-9.\[\]:-]+/[!-~]*", text):
        raise ValueError(f"{text!r} is no https URL; write the CA's directory, such as {LETS_ENCRYPT}")
    return text


def _ca_certificates(where: Path, info: ValidationInfo) -> Path:
    if info.context:
        try:
            x509.load_pem_x509_certificates(where.read_bytes())
        except ValueError:
            raise ValueError(f"{where} holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)") from None
    return where


def _challenge(value: object, info: ValidationInfo) -> object:
    if isinstance(value, str):
        if value != "http-01":
            raise ValueError("is no challenge that we can answer; write http-01, or {rfc2136: {server: …, key: …}}")
        return value
    return Dns01.model_validate(value, context=info.context)


class Rfc2136(Settings):
    """The name server that takes the challenge by an update of the DNS."""

    server: IpAddress = Field(description="Its address: the primary of the names' zones.", examples=["192.0.2.53"])
    port: Port = Field(default=53, description="Its port.")
    key: Annotated[TsigKey, BeforeValidator(resolve), BY_NAME] = Field(
        description="The key that signs the update: `{file: path}` or `{env: NAME}` of what `tsig-keygen` printed, or"
        " of `hmac-sha256:NAME:SECRET`.",
        examples=[{"file": "acme.key"}],
    )
    wait: Annotated[StrictInt, Field(ge=0, le=3600)] = Field(
        default=60, description="Seconds from the update until every name server of the zone has it."
    )


class Dns01(Settings):
    """For hosts that nobody reaches at port 80."""

    rfc2136: Rfc2136 = Field(description="The challenge is put into the DNS, by RFC 2136.")


class Acme(Settings):
    """Certificates from an ACME CA: ordered at the first run, renewed by certbot's own timer."""

    email: Address = Field(description="Whom the CA may write to.", examples=["hostmaster@example.org"])
    directory: Annotated[StrictStr, AfterValidator(_https)] = Field(
        default=LETS_ENCRYPT,
        description="The CA's directory.",
        examples=["https://acme-staging-v02.api.letsencrypt.org/directory"],
    )
    ca_file: Annotated[PemFile, AfterValidator(_ca_certificates)] | None = Field(
        default=None,
        description="A PEM file on this workstation with the roots that the host shall trust besides those it knows:"
        " of the directory's own https, and of what it signs. For a CA of one's own.",
        examples=["acme-roots.pem"],
    )
    challenge: Annotated[Literal["http-01"] | Dns01, BeforeValidator(_challenge)] = Field(
        default="http-01",
        description="How the CA sees that the names are ours: at their port 80, through Apache, or in the DNS"
        " (`{rfc2136: …}`).",
    )

    @property
    def by_http(self) -> bool:
        """Whether the CA comes to port 80."""
        return self.challenge == "http-01"

    @property
    def roots(self) -> str:
        """``ca_file`` as the host keeps it, one PEM certificate after another; empty where there is none."""
        if not self.ca_file:
            return ""
        found = x509.load_pem_x509_certificates(self.ca_file.read_bytes())
        return "".join(one.public_bytes(Encoding.PEM).decode() for one in found)
