"""The local certificate authority of a host, and what it signed."""

from __future__ import annotations

from dataclasses import dataclass

from pyinfra.api import FactBase, QuoteString, StringCommand
from typing_extensions import override

from facts.record import Record

TRUSTED_PATH = "/usr/local/share/ca-certificates/posthaus.crt"

# x509(1) would read every authority that Debian knows, and take five times as long.
QUICK = "SSL_CERT_FILE=/dev/null; export SSL_CERT_FILE\n"
# "checkend" counts in seconds: the leaf must live 30 days more, the CA longer than a leaf that it signs today.
_SIGNED = r"""about() { openssl x509 -in "$1" -noout -pubkey -ext subjectAltName -checkend "$2"; }
fits() { key=$(openssl pkey -in "$1" -pubout) && case $said in *"$key"*) ;; *) false ;; esac; }
exec 2>/dev/null
cd "$1" || exit 0
ours=
if cat ca/leaf.pem ca/ca.pem | cmp -s - fullchain.pem && cmp -s ca/leaf.key privkey.pem; then ours=1; fi
if [ -z "$ours" ] && said=$(about fullchain.pem 0) && fits privkey.pem; then echo good; fi
cd ca || exit 0
sed 's/^/ca /' ca.pem
lasts=
if said=$(about leaf.pem 2592000); then lasts=1; fi
printf '%s\n' "$said" | grep -o 'DNS:[^,]*' | sed 's/DNS:/name /'
if fits leaf.key; then
if [ -n "$ours" ] && { [ -n "$lasts" ] || about leaf.pem 0 >&2; }; then echo good; fi
if [ -n "$lasts" ] && said=$(about ca.pem 36892800) && fits ca.key &&
openssl verify -CAfile ca.pem -purpose sslserver leaf.pem >&2; then echo sound; fi
fi
if [ -n "$ours" ] && [ "$(stat -c %a%U ../privkey.pem ca.key leaf.key | sort -u)" = 600root ]; then echo served; fi
"""
# One certificate a file, as OpenSSL's directory of hashes asks for; the first is posthaus.crt, the next posthaus-2.crt.
TRUSTED = f"""if [ -s {TRUSTED_PATH} ]; then
grep -qxF "$(sed -n 3p {TRUSTED_PATH})" /etc/ssl/certs/ca-certificates.crt 2>/dev/null && echo known
sed 's/^/trusted /' {TRUSTED_PATH} $(ls {TRUSTED_PATH.removesuffix(".crt")}-[0-9].crt 2>/dev/null)
fi
"""


@dataclass(frozen=True)
class CaState(Record):
    """``names`` that the local certificate covers; ``sound``: keys fit, the chain verifies, and both last long enough;
    ``served``: it is the one that services read, and none but root
    reads the keys; ``good``: what they read, whoever signed it, fits its key and has not
    expired; ``certificate``: the CA's own (PEM); ``trusted``: those (PEM) that we made the host trust."""

    names: tuple[str, ...] = ()
    sound: bool = False
    served: bool = False
    good: bool = False
    certificate: str | None = None
    trusted: str | None = None


class LocalCa(FactBase[CaState]):
    """The local CA below ``directory``, and whom the host trusts for our sake.

    ``pyinfra inventory.py fact facts.ca.LocalCa directory=/etc/ssl/posthaus``
    """

    default = CaState

    @override
    def requires_command(self, directory: str) -> str:
        return "openssl"

    @override
    def command(self, directory: str) -> StringCommand:
        own = StringCommand("sh", "-c", QuoteString(f"{QUICK}{TRUSTED}{_SIGNED}"), "ca", QuoteString(directory))
        return StringCommand(own, "; true")

    @override
    def process(self, output: list[str]) -> CaState:
        words = by_keyword(output)
        return CaState(
            names=tuple(sorted(words.get("name", []))),
            sound="sound" in words,
            served="served" in words,
            good="good" in words,
            certificate=as_text(words.get("ca")),
            trusted=as_text(words.get("trusted")) if "known" in words else None,
        )


def by_keyword(output: list[str]) -> dict[str, list[str]]:
    """Lines of ``keyword rest``, by keyword."""
    words: dict[str, list[str]] = {}
    for line in output:
        key, _, rest = line.partition(" ")
        words.setdefault(key, []).append(rest)
    return words


def as_text(lines: list[str] | None) -> str | None:
    """The text of these lines; None where there are none."""
    return "".join(f"{line}\n" for line in lines) if lines else None
