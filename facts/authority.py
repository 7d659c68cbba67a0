"""The local certificate authority of a host, and what it signed."""

from __future__ import annotations

from dataclasses import dataclass

from pyinfra.api import FactBase, QuoteString, StringCommand
from typing_extensions import override

from facts.record import Record

TRUSTED_PATH = "/usr/local/share/ca-certificates/posthaus.crt"

# "checkend" counts in seconds: the leaf must live 30 days more, the authority longer than a leaf that it signs today.
_SIGNED = r"""cd "$1/ca" 2>/dev/null || exit 0
openssl x509 -in leaf.pem -noout -ext subjectAltName 2>/dev/null | grep -o 'DNS:[^,]*' | sed 's/DNS:/name /'
same() { [ -s "$1" ] && [ "$(openssl x509 -in "$1" -pubkey -noout)" = "$(openssl pkey -in "$2" -pubout)" ]; }
if same leaf.pem leaf.key && same ca.pem ca.key && openssl verify -CAfile ca.pem -purpose sslserver leaf.pem >&2 &&
openssl x509 -in leaf.pem -noout -checkend 2592000 >&2 && openssl x509 -in ca.pem -noout -checkend 36892800 >&2
then echo sound; fi 2>/dev/null
if cat leaf.pem ca.pem | cmp -s - ../fullchain.pem && cmp -s leaf.key ../privkey.pem &&
[ "$(stat -c %a%U ../privkey.pem)" = 600root ]
then echo served; fi
"""
_TRUSTED = f"""if [ -s {TRUSTED_PATH} ]; then
grep -qxF "$(sed -n 3p {TRUSTED_PATH})" /etc/ssl/certs/ca-certificates.crt 2>/dev/null && echo known
sed 's/^/trusted /' {TRUSTED_PATH}
fi
"""


@dataclass(frozen=True)
class Authority(Record):
    """``names`` that the local certificate covers; ``sound``: keys fit, the chain verifies, and both last long enough;
    ``served``: it is the one that services read; ``trusted``: the certificate (PEM) that we made the host trust."""

    names: tuple[str, ...] = ()
    sound: bool = False
    served: bool = False
    trusted: str | None = None


class LocalAuthority(FactBase[Authority]):
    """The local authority below ``directory``, and whom the host trusts for our sake.

    ``pyinfra inventory.py fact facts.authority.LocalAuthority directory=/etc/ssl/posthaus``
    """

    default = Authority

    @override
    def requires_command(self, directory: str) -> str:
        return "openssl"

    @override
    def command(self, directory: str) -> StringCommand:
        own = StringCommand("sh", "-c", QuoteString(f"{_TRUSTED}{_SIGNED}"), "authority", QuoteString(directory))
        return StringCommand(own, "; true")

    @override
    def process(self, output: list[str]) -> Authority:
        words: dict[str, list[str]] = {}
        for line in output:
            key, _, rest = line.partition(" ")
            words.setdefault(key, []).append(rest)
        trusted = "".join(f"{line}\n" for line in words.get("trusted", [])) if "known" in words else None
        return Authority(tuple(sorted(words.get("name", []))), "sound" in words, "served" in words, trusted)
