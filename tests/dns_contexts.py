"""Two domains of one host, for the tests of the DNS."""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path

from deploys.records.context import DomainContext
from deploys.records.options import DomainRecords

GOLDEN = Path(__file__).parent / "golden" / "dns"
KEYS = {
    "mail": base64.b64decode((GOLDEN / "rsa-2048.spki").read_text()),
    "mail-ed25519": base64.b64decode((GOLDEN / "ed25519.spki").read_text()),
}
NAME_SERVERS = {"dns": {"nameservers": {"ns1.example.com": ["192.0.2.53"], "ns.example.org": []}}}

COM = DomainContext(
    domain="example.com",
    hostname="mail.example.com",
    v4=("192.0.2.25",),
    v6=("2001:db8::25",),
    domains=("example.com", "example.net"),
    webmail="webmail.example.com",
    offered=frozenset({"imap", "imaps", "pop3s", "submission", "submissions", "sieve"}),
    dkim=KEYS,
    tlsa=("aa" * 32, "bb" * 32),
    settings=DomainRecords.model_validate({**NAME_SERVERS, "caa": {"issue": ["letsencrypt.org"]}}),
)
NET = replace(
    COM,
    domain="example.net",
    dkim={"mail": KEYS["mail"]},
    settings=DomainRecords.model_validate({"dns": {"nameservers": {"ns1.example.com": []}}}),
)
