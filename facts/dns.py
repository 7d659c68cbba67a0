"""What a host's own records in the DNS are made of, as the host has it: addresses, public keys."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field

from pyinfra.api import FactBase, QuoteString, StringCommand
from typing_extensions import override

from facts.record import Record

# rspamd keeps an Ed25519 key as bare base64 of its seed: PKCS #8's sixteen bytes before it make it one that OpenSSL
# reads (RFC 8410, section 7). Private keys stay on the host; only what is public is printed.
_COMMAND = r"""echo "addresses $(hostname -I)"
for key in "$K"/*.key; do
  [ -r "$key" ] || continue
  public=$(openssl pkey -in "$key" -passin pass: -pubout -outform DER 2>/dev/null | base64 -w0)
  [ -n "$public" ] || public=$(
    { printf '\060\056\002\001\000\060\005\006\003\053\145\160\004\042\004\040'
      base64 -d "$key" 2>/dev/null | head -c 32; } |
    openssl pkey -inform DER -pubout -outform DER 2>/dev/null | base64 -w0)
  name=${key##*/}
  echo "dkim ${name%.key} $public"
done
digest() { openssl pkey -pubin -outform DER 2>/dev/null | sha256sum | sed 's/^/tlsa /; s/  -$//'; }
[ ! -r "$C" ] || openssl x509 -in "$C" -noout -pubkey 2>/dev/null | digest
[ ! -r "$N" ] || openssl pkey -in "$N" -passin pass: -pubout 2>/dev/null | digest
"""
_NOTHING = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"  # the digest of no key at all


@dataclass(frozen=True)
class Publishable(Record):
    """``v4``, ``v6``: the host's addresses, public ones if it has any. ``dkim``: domain to selector to public key (DER,
    base64). ``tlsa``: SHA-256 of the certificate's public key, then of the key that comes next, in hex."""

    v4: tuple[str, ...] = ()
    v6: tuple[str, ...] = ()
    dkim: dict[str, dict[str, str]] = field(default_factory=dict)
    tlsa: tuple[str, ...] = ()


class PublicRecords(FactBase[Publishable]):
    """What the host's records in the DNS are made of. ``keys`` holds DKIM's private keys as DOMAIN.SELECTOR.key.

    ``pyinfra inventory.py fact facts.dns.PublicRecords keys=/var/lib/rspamd/dkim``
    """

    default = Publishable

    @override
    def requires_command(self, keys: str, certificate: str, next_key: str = "") -> str:
        return "openssl"

    @override
    def command(self, keys: str, certificate: str, next_key: str = "") -> StringCommand:
        where = [
            StringCommand(f"{k}=", QuoteString(v), ";", _separator="")
            for k, v in zip("KCN", (keys, certificate, next_key), strict=True)
        ]
        return StringCommand(*where, _COMMAND)

    @override
    def process(self, output: list[str]) -> Publishable:
        words: dict[str, list[str]] = {"addresses": [], "dkim": [], "tlsa": []}
        for line in output:
            kind, _, rest = line.partition(" ")
            words.setdefault(kind, []).append(rest.strip())
        addresses = [address for line in words["addresses"] for address in line.split()]
        return Publishable(
            v4=_seen_from_outside(addresses, 4),
            v6=_seen_from_outside(addresses, 6),
            dkim=_keys(words["dkim"]),
            tlsa=tuple(digest for digest in words["tlsa"] if digest and digest != _NOTHING),
        )


def _seen_from_outside(addresses: list[str], version: int) -> tuple[str, ...]:
    family = [one for one in map(ipaddress.ip_address, addresses) if one.version == version]
    public = [one for one in family if one.is_global]
    return tuple(str(one) for one in public or family)


def _keys(lines: list[str]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for line in lines:
        name, _, public = line.partition(" ")
        domain, _, selector = name.rpartition(".")
        if domain and public:
            found.setdefault(domain, {})[selector] = public
    return found
