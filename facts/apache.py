"""What Apache understood: its sites and its modules."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from pyinfra.api import FactBase
from typing_extensions import override

from facts.record import Record


@dataclass(frozen=True)
class Site(Record):
    """One virtual host: the address and port it answers on, its name, and where it is declared (``file:line``)."""

    address: str
    port: int
    hostname: str
    declared: str


# Debian prints either "*:80  name (file:line)" or, where several share a port, "port 80 namevhost name (file:line)".
_ALONE = re.compile(r"^(?P<address>\S+):(?P<port>\d+|\*)\s+(?P<hostname>\S+) \((?P<declared>.+)\)$")
_SHARED = re.compile(r"^(?P<address>\S+):(?P<port>\d+|\*)\s+is a NameVirtualHost$")
_ONE_OF_THEM = re.compile(r"^\s+port (?P<port>\d+|\*) namevhost (?P<hostname>\S+) \((?P<declared>.+)\)$")


def read_sites(output: Iterable[str]) -> list[Site]:
    """The virtual hosts in what ``apache2ctl -S`` prints; port 0 is every port."""
    sites: list[Site] = []
    address = "*"
    for line in output:
        if shared := _SHARED.match(line):
            address = shared["address"]
        elif found := _ONE_OF_THEM.match(line):
            sites.append(Site(address, _port(found["port"]), found["hostname"], found["declared"]))
        elif found := _ALONE.match(line):
            sites.append(Site(found["address"], _port(found["port"]), found["hostname"], found["declared"]))
    return sites


def _port(text: str) -> int:
    return 0 if text == "*" else int(text)


class ApacheSites(FactBase[list[Site]]):
    """The virtual hosts that Apache would serve with the configuration on disk (apache2ctl -S).

    ``pyinfra inventory.py fact facts.apache.ApacheSites``
    """

    default = list

    @override
    def requires_command(self) -> str:
        return "apache2ctl"

    @override
    def command(self) -> str:
        return "apache2ctl -S 2>/dev/null"

    @override
    def process(self, output: list[str]) -> list[Site]:
        return read_sites(output)


class ApacheModules(FactBase[list[str]]):
    """Names of the loaded modules without ``_module``, sorted (apache2ctl -M).

    ``pyinfra inventory.py fact facts.apache.ApacheModules``
    """

    default = list

    @override
    def requires_command(self) -> str:
        return "apache2ctl"

    @override
    def command(self) -> str:
        return "apache2ctl -M 2>/dev/null"

    @override
    def process(self, output: list[str]) -> list[str]:
        found = (re.match(r"^ (\S+)_module \((?:static|shared)\)$", line) for line in output)
        return sorted(match[1] for match in found if match)
