"""DKIM's private keys on the host, by what is public of them."""

from __future__ import annotations

from dataclasses import dataclass, field

from pyinfra.api import FactBase, QuoteString, StringCommand
from typing_extensions import override

from facts.record import Record

# A file for each key that ever lay on the host, by its name: the SHA-256 of the key's file.
KNOWN = "/var/lib/posthaus/dkim"
# A program for each key would take a host of 1,000 domains a quarter of a minute: only given keys are looked into.
_COMMAND = r"""D=$1 G=$2
shift 2
find /var/lib/posthaus/dkim -type f -printf 'known %f %s\n' 2>/dev/null
[ -d "$D" ] || exit 0
[ "$(stat -c '%a %U %G' "$D")" = "750 root $G" ] || echo loose "$D"
find "$D" -maxdepth 1 -name '*.key' -size +0 -printf 'key %f\n' \( ! -user root -o ! -group "$G" -o ! -perm 640 \) \
  -printf 'loose %f\n' | sed 's/\.key$//'
for name; do
  [ -s "$D/$name.key" ] || continue
  digest=$(openssl pkey -in "$D/$name.key" -passin pass: -pubout -outform DER 2>/dev/null | sha256sum)
  echo key "$name" "${digest%% *}"
done"""


@dataclass(frozen=True)
class Keys(Record):
    """``digests``: DOMAIN.SELECTOR of each key that is there to the SHA-256 (hex) of its public half (DER,
    SubjectPublicKeyInfo) where that was asked for, else to nothing. ``loose``: what others may read, or the
    signer may not. ``known``: those that ever lay there, by the host's own memory; ``unnoted``: those of them of
    which it does not know which key they were."""

    digests: dict[str, str] = field(default_factory=dict)
    loose: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    unnoted: tuple[str, ...] = ()


class DkimKeys(FactBase[Keys]):
    """The keys below ``directory``, which ``group`` signs with. ``given``: those whose public half is asked for.

    ``pyinfra inventory.py fact facts.dkim.DkimKeys directory=/var/lib/rspamd/dkim group=_rspamd``
    """

    default = Keys

    @override
    def requires_command(self, directory: str, group: str, given: list[str] | None = None) -> str:
        return "openssl"

    @override
    def command(self, directory: str, group: str, given: list[str] | None = None) -> StringCommand:
        arguments = [QuoteString(word) for word in (directory, group, *(given or ()))]
        return StringCommand("sh", "-c", QuoteString(_COMMAND), "dkim", *arguments)

    @override
    def process(self, output: list[str]) -> Keys:
        words = [line.split() for line in output]
        return Keys(
            digests={word[1]: "".join(word[2:]) for word in words if word[0] == "key"},
            loose=tuple(word[1] for word in words if word[0] == "loose"),
            known=tuple(word[1] for word in words if word[0] == "known"),
            unnoted=tuple(word[1] for word in words if word[0] == "known" and word[2:] == ["0"]),
        )
