"""The files of the tls room."""

from __future__ import annotations

from operations.file import File


def packages() -> tuple[str, ...]:
    """openssl makes and checks certificates on the host; ca-certificates keeps whom it trusts."""
    return ("ca-certificates", "openssl")


def files(chain: bytes, key: bytes) -> dict[str, File]:
    """The operator's own chain and key, as every service reads them."""
    return {"fullchain.pem": File(chain), "privkey.pem": File(key, mode="0600")}
