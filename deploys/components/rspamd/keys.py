"""Which keys sign, and those that the operator brings along."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from deploys.records.options import Records
from operations.dkim import GivenKey


def names(records: Records, signers: Iterable[str]) -> list[str]:
    """DOMAIN.SELECTOR of every key that signs or is published."""
    return [f"{name}.{selector}" for name in signers for selector in records.of(name).dkim.selectors]


def given(records: Records, signers: Iterable[str]) -> dict[str, GivenKey]:
    """The operator's own keys by DOMAIN.SELECTOR."""
    declared = {name: records.of(name).dkim for name in signers}
    return {
        f"{name}.{dkim.selector}": _given(dkim.key.get_secret_value()) for name, dkim in declared.items() if dkim.key
    }


def _given(pem: str) -> GivenKey:
    public = load_pem_private_key(pem.encode(), None).public_key()
    return GivenKey(
        pem, hashlib.sha256(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()
    )
