"""Where letters lie on the host, and which mailboxes Dovecot's own list names."""

from __future__ import annotations

from dataclasses import dataclass

from pyinfra.api import FactBase
from typing_extensions import override

from facts.mailboxes import STORE
from facts.record import Record

USERS = "/etc/dovecot/users"
_COMMAND = (
    f"sed -n 's/^\\([^:]*\\):.*/listed \\1/p' {USERS} 2>/dev/null; "
    f'for maildir in {STORE}/*/*/Maildir; do [ ! -d "$maildir" ] || echo "virtual ${{maildir%/Maildir}}"; done; '
    "getent passwd | while IFS=: read -r user _ uid _ _ home _; do "
    '[ "$uid" -lt 1000 ] || [ ! -d "$home/Maildir" ] || echo "system $user $home"; done; true'
)


@dataclass(frozen=True)
class StoresOnHost(Record):
    """``listed``: names in Dovecot's passwd-file. ``virtual``, ``system``: homes with a Maildir, by address or user."""

    listed: tuple[str, ...] = ()
    virtual: dict[str, str] | None = None
    system: dict[str, str] | None = None


class Stores(FactBase[StoresOnHost]):
    """Every home that holds letters, whether a mailbox is declared for it or not, without looking at the letters.

    ``pyinfra inventory.py fact facts.stores.Stores``
    """

    default = StoresOnHost

    @override
    def command(self) -> str:
        return _COMMAND

    @override
    def process(self, output: list[str]) -> StoresOnHost:
        lines = [line.split(" ", 2) for line in output]
        virtual = {_address(words[1]): words[1] for words in lines if words[0] == "virtual"}
        system = {words[1]: words[2] for words in lines if words[0] == "system"}
        return StoresOnHost(tuple(words[1] for words in lines if words[0] == "listed"), virtual, system)


def _address(home: str) -> str:
    domain, local = home.split("/")[-2:]
    return f"{local}@{domain}"
