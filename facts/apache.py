"""What Apache understood: its sites."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

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
