"""The files of the certificates."""

from __future__ import annotations

from collections.abc import Mapping

from operations.file import File


def packages() -> tuple[str, ...]:
    """openssl makes and checks certificates on the host; ca-certificates keeps whom it trusts."""
    return ("ca-certificates", "openssl")


def files(chain: bytes, key: bytes) -> dict[str, File]:
    """The operator's own chain and key, as every service reads them."""
    return {"fullchain.pem": File(chain), "privkey.pem": File(key, mode="0600")}


def files_by_sni(named: Mapping[str, tuple[bytes, bytes]]) -> dict[str, File]:
    """The chain and key of each further name, below its own directory."""
    return {f"{name}/{path}": file for name, pair in named.items() for path, file in files(*pair).items()}
