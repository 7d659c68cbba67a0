"""DKIM's private keys on the host, by what is public of them."""

from __future__ import annotations

from dataclasses import dataclass, field

from pyinfra.api import FactBase, QuoteString, StringCommand
from typing_extensions import override

from facts.record import Record

_COMMAND = r"""[ -d "$D" ] || exit 0
[ "$(stat -c '%a %U %G' "$D")" = "750 root $G" ] || echo loose "$D"
for key in "$D"/*.key; do
  [ -s "$key" ] || continue
  name=${key##*/} name=${name%.key}
  [ "$(stat -c '%a %U %G' "$key")" = "640 root $G" ] || echo loose "$name"
  case $name in
    *-ed25519) echo key "$name" seed ;;
    *) digest=$(openssl pkey -in "$key" -passin pass: -pubout -outform DER 2>/dev/null | sha256sum)
       echo key "$name" "${digest%% *}" ;;
  esac
done"""


@dataclass(frozen=True)
class Keys(Record):
    """``digests``: DOMAIN.SELECTOR to the SHA-256 (hex) of the public key (DER, SubjectPublicKeyInfo), for Ed25519 the
    word ``seed``. ``loose``: what others may read, or the signer may not."""

    digests: dict[str, str] = field(default_factory=dict)
    loose: tuple[str, ...] = ()


class DkimKeys(FactBase[Keys]):
    """The keys below ``directory``, which ``group`` signs with.

    ``pyinfra inventory.py fact facts.dkim.DkimKeys directory=/var/lib/rspamd/dkim group=_rspamd``
    """

    default = Keys

    @override
    def requires_command(self, directory: str, group: str) -> str:
        return "openssl"

    @override
    def command(self, directory: str, group: str) -> StringCommand:
        own = StringCommand("sh", "-c", QuoteString(f"D=$1 G=$2\n{_COMMAND}"), "dkim", QuoteString(directory))
        return StringCommand(own, QuoteString(group))

    @override
    def process(self, output: list[str]) -> Keys:
        words = [line.split() for line in output]
        return Keys(
            digests={word[1]: word[2] for word in words if word[0] == "key" and len(word) == 3},
            loose=tuple(word[1] for word in words if word[0] == "loose"),
        )
