"""Whether a host may ask the DNS's root servers itself."""

from __future__ import annotations

from pyinfra.api import FactBase
from typing_extensions import override

# a, b and k of https://www.iana.org/domains/root/servers, in IPv4 and IPv6
_SERVERS = "198.41.0.4 170.247.170.2 193.0.14.129 2001:503:ba3e::2:30 2801:1b8:10::b"
# A question for the root's NS, by bash alone: a bare host has no other program for it. It wants no error and an answer:
# some networks let a server of theirs answer in the root's place. Who wrote local.conf has said whom to ask.
_COMMAND = rf"""[ ! -e /etc/unbound/local.conf ] || {{ echo told; exit 0; }}
for server in {_SERVERS}; do
  timeout 2 bash -c 'exec 3<>"/dev/udp/$1/53" && printf "\120\110\0\0\0\1\0\0\0\0\0\0\0\0\2\0\1" >&3 &&
    head -c 8 <&3 | od -An -tx1 | grep -q "^ 50 48 .. .0 .. .. .. .[1-9a-f]"' ask "$server" 2>/dev/null || continue
  echo answered
  break
done; true"""


class RootServers(FactBase[bool]):
    """True if one of them answers, or an administrator's /etc/unbound/local.conf says whom to ask instead.

    ``pyinfra inventory.py fact facts.roots.RootServers``
    """

    default = bool

    @override
    def command(self) -> str:
        return f"sh -c '{_COMMAND.replace(chr(39), chr(39) + chr(92) + chr(39) * 2)}'"

    @override
    def process(self, output: list[str]) -> bool:
        return bool({"answered", "told"} & {line.strip() for line in output})
