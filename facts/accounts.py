"""Users and groups of the host."""

from __future__ import annotations

from dataclasses import dataclass, field

from pyinfra.api import FactBase, StringCommand
from typing_extensions import override

from facts import lists
from facts.record import Record

# A crypt(3) string is a secret; its digest tells whether it changed and may stand in a log.
# Of thousands of names getent is asked at once: a process for each would take longer than a run waits.
_COMMAND = """printf '%s\\n' "$names" | xargs -r -d '\\n' getent passwd | while IFS= read -r line; do
user=${line%%:*}
secret=$(getent shadow "$user" | cut -d: -f2 | tr -d '\\n' | sha256sum | cut -c1-64)
echo "user $secret $(id -Gn "$user" | tr ' ' ',') $line"
done
getent group | sed 's/^/group /'"""


@dataclass(frozen=True)
class Account(Record):
    """A Unix user. ``secret`` is the SHA-256 of shadow(5)'s password field; ``groups`` holds the first group too.

    ``name``: what passwd(5) says of the person, nothing for nobody's.
    """

    uid: int
    gid: int
    home: str
    shell: str
    groups: tuple[str, ...]
    secret: str
    name: str = ""


@dataclass(frozen=True)
class Unix(Record):
    """``users`` that were asked for and exist; ``groups``: every group's number; ``members``: its listed members."""

    users: dict[str, Account] = field(default_factory=dict)
    groups: dict[str, int] = field(default_factory=dict)
    members: dict[str, tuple[str, ...]] = field(default_factory=dict)


class Accounts(FactBase[Unix]):
    """The asked Unix users, and all groups, in one command.

    ``pyinfra inventory.py fact facts.accounts.Accounts users='["vmail"]'``
    """

    default = Unix

    @override
    def command(self, users: list[str]) -> StringCommand:
        return StringCommand(lists.lines(users), _COMMAND)

    @override
    def process(self, output: list[str]) -> Unix:
        unix = Unix()
        for line in output:
            kind, _, rest = line.partition(" ")
            if kind == "user":
                secret, groups, entry = rest.split(" ", 2)
                user, _, uid, gid, gecos, home, shell = entry.split(":")
                member_of = tuple(sorted(groups.split(",")))
                name = gecos.partition(",")[0]
                unix.users[user] = Account(int(uid), int(gid), home, shell, member_of, secret, name)
            elif kind == "group":
                group, _, number, members = rest.split(":")
                unix.groups[group] = int(number)
                unix.members[group] = tuple(sorted(filter(None, members.split(","))))
        return unix
