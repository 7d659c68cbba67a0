"""Where the certificate comes from."""

from __future__ import annotations

from pathlib import Path

from deploys.settings import Settings

DIRECTORY = "/etc/ssl/posthaus"


class Tls(Settings):
    """Nothing said: a local authority on the host signs (for trials). Else the operator's own files, on the workstation."""

    certificate: Path | None = None
    key: Path | None = None

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
