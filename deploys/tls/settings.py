"""Where the certificate comes from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field, ValidationInfo, WithJsonSchema, model_validator

from deploys.settings import Settings, refuse
from deploys.values.secret import path

DIRECTORY = "/etc/ssl/posthaus"


def _readable(value: object, info: ValidationInfo) -> Path:
    """A file on this workstation. It is looked at only where a YAML file is read (the context names its directory)."""
    if isinstance(value, Path):
        return value
    if not isinstance(value, str) or not value.strip():
        raise ValueError("is empty or not text; write the path of a PEM file on this workstation")
    where = path(value, info)
    try:
        if info.context:
            where.read_bytes()
    except OSError as error:
        raise ValueError(f"{where} cannot be read ({error.strerror}); write the path of a PEM file") from None
    return where


PemFile = Annotated[
    Path, BeforeValidator(_readable), WithJsonSchema({"type": "string", "title": "path", "minLength": 1})
]


class Tls(Settings):
    """Nothing said: a local authority on the host signs, for trials. Else the operator's files, on the workstation."""

    certificate: PemFile | None = Field(
        default=None,
        description="A PEM file on this workstation, relative to this file: the server's certificate, then the"
        " intermediate ones (a `fullchain.pem`). It must cover `hostname` and `webmail.hostname`.",
        examples=["fullchain.pem"],
    )
    key: PemFile | None = Field(
        default=None, description="Its private key, likewise, without a passphrase.", examples=["privkey.pem"]
    )

    @model_validator(mode="after")
    def _is_whole(self) -> Tls:
        if (self.certificate is None) != (self.key is None):
            missing, given = ("key", "certificate") if self.key is None else ("certificate", "key")
            refuse([((missing,), f"is missing, and {given} is given; write both, or neither for a local authority")])
        return self

    @property
    def chain_path(self) -> str:
        """The served chain on the host, leaf first (PEM)."""
        return f"{DIRECTORY}/fullchain.pem"

    @property
    def key_path(self) -> str:
        """Its private key on the host (PEM, root only)."""
        return f"{DIRECTORY}/privkey.pem"

    @property
    def authority_path(self) -> str:
        """The local authority's certificate on the host, where there is one."""
        return f"{DIRECTORY}/ca/ca.pem"
