"""Where messages lie on the host, and which mailboxes Dovecot's own list names."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from pyinfra.api import FactBase
from typing_extensions import override

from facts.mailboxes import STORE
from facts.record import Record

USERS = "/etc/dovecot/users"
# Names that are as declared stay on the host: of 50,000 mailboxes they are 1.5 MB.
_COMMAND = (
    f"listed=$(sed -n 's/^\\([^:]*\\):.*/\\1/p' {USERS} 2>/dev/null | LC_ALL=C sort); "
    '[ "$(printf \'%s\\n\' "$listed" | sha256sum | cut -c1-64)" = "$declared" ] && same=1 || same=; '
    "{ printf '%s\\n' \"$listed\" | sed -n 's/^./listed &/p'; "
    f"for maildir in {STORE}/*/*/Maildir; do home=${{maildir%/Maildir}}; "
    # a link is a former name on its way, or another place for the same messages
    '[ ! -d "$maildir" ] || [ -L "$home" ] || echo "virtual $home"; done; '
    "getent passwd | while IFS=: read -r user _ uid _ _ home _; do "
    '[ "$uid" -lt 1000 ] || [ ! -d "$home/Maildir" ] || echo "system $user $home"; done; } | '
    'awk -v same=$same \'$1 == "listed" { known[$2]; if (same) next } '
    '$1 == "virtual" && same { n = split($2, part, "/"); if (part[n] "@" part[n - 1] in known) next } { print }\'; true'
)


@dataclass(frozen=True)
class StoresOnHost(Record):
    """``listed``: names in Dovecot's passwd-file, unless they are those declared; then ``virtual`` leaves out theirs.
    ``virtual``, ``system``: homes with a Maildir, by address or user."""

    listed: tuple[str, ...] = ()
    virtual: dict[str, str] | None = None
    system: dict[str, str] | None = None


class Stores(FactBase[StoresOnHost]):
    """Every home that holds messages, whether a mailbox is declared for it or not, without looking at the messages.

    ``declared``: what ``digest`` says of the declared mailboxes. Where Dovecot has just these, nothing is said of them.

    ``pyinfra inventory.py fact facts.stores.Stores``
    """

    default = StoresOnHost

    @override
    def command(self, declared: str = "") -> str:
        return f"declared={declared}; {_COMMAND}"

    @override
    def process(self, output: list[str]) -> StoresOnHost:
        lines = [line.split(" ", 2) for line in output]
        virtual = {_address(words[1]): words[1] for words in lines if words[0] == "virtual"}
        system = {words[1]: words[2] for words in lines if words[0] == "system"}
        return StoresOnHost(tuple(words[1] for words in lines if words[0] == "listed"), virtual, system)


def digest(names: Iterable[str]) -> str:
    """SHA-256 (hex) of the names, sorted, a line each."""
    return hashlib.sha256("".join(f"{name}\n" for name in sorted(names)).encode()).hexdigest()


def _address(home: str) -> str:
    domain, local = home.split("/")[-2:]
    return f"{local}@{domain}"
