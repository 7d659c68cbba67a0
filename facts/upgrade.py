"""What an upgrade to another release of the distribution would do to a host, as apt itself says. Changes nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from pyinfra.api import FactBase, QuoteString, StringCommand
from typing_extensions import override

from facts import shell
from facts.packages import Package, package_versions
from facts.record import Record

_PROGRAM = shell.text("upgrade.sh")
# As a Release file has it under Origin.
_OWN = ("Debian", "Debian Backports", "Ubuntu", "UbuntuESM", "UbuntuESMApps")
_UNITS = {"B": 1, "kB": 1000, "MB": 1000**2, "GB": 1000**3}


@dataclass(frozen=True)
class UpgradeState(Record):
    """``packages``: installed version, and as ``candidate`` what the other release has. ``installs``: package to its
    version there, of all that apt would install or replace; ``removes``, ``kept`` (back); ``download``, ``grows``:
    bytes (None: apt did not say).

    ``unreachable``, ``refused``: complaints of apt's. ``reached``: the codenames that the other release's sources have.
    ``suites``: what the distribution's own present sources are called in apt's files; ``origins``: those of others,
    each as address and suite, by who made them, or by their server where nobody says. ``held``: packages that stay by
    somebody's word; ``behind``: how many have a newer version in the present release. ``free``: kibibytes and device
    by path; ``kernel``: kibibytes below /boot of the one that runs. ``local_conf``: Dovecot's, line by line, without
    values.
    """

    packages: dict[str, Package] = field(default_factory=dict)
    installs: dict[str, str] = field(default_factory=dict)
    removes: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    download: int | None = None
    grows: int | None = None
    unreachable: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    reached: tuple[str, ...] = ()
    suites: tuple[str, ...] = ()
    origins: dict[str, tuple[str, ...]] = field(default_factory=dict)
    held: tuple[str, ...] = ()
    behind: int = 0
    free: dict[str, tuple[int, str]] = field(default_factory=dict)
    kernel: int = 0
    local_conf: tuple[str, ...] = ()


class Upgrade(FactBase[UpgradeState]):
    """``before``, ``after``: codenames of the release that is there and of the other; ``packages``: whose versions
    count. Takes some seconds more than fetching the other release's lists of packages does (Debian: 10 MB).

    ``pyinfra inventory.py fact facts.upgrade.Upgrade before=bookworm after=trixie packages='["dovecot-core"]'``
    """

    default = UpgradeState

    @override
    def command(self, before: str, after: str, packages: Iterable[str]) -> StringCommand:
        words = [before, after, *sorted(packages)]
        return StringCommand("sh", "-c", QuoteString(_PROGRAM), "upgrade", *map(QuoteString, words))

    @override
    def process(self, output: list[str]) -> UpgradeState:
        said: dict[str, list[str]] = {}
        for line in output:
            word, _, rest = line.partition(" ")
            said.setdefault(word, []).append(rest)
        suites, origins = _sources(said.get("origin", []))
        removes = {line.split()[0] for line in said.get("remv", [])}
        installs = {name: version for name, version, *_ in map(str.split, said.get("inst", []))}
        return UpgradeState(
            packages=package_versions(output),
            installs=installs,
            removes=tuple(sorted(removes - set(installs))),
            kept=tuple(sorted(said.get("kept", []))),
            download=int(said["download"][0]) if "download" in said else None,
            grows=_bytes(said["grows"][0]) if "grows" in said else None,
            unreachable=tuple(dict.fromkeys(said.get("unreachable", []))),
            refused=tuple(said.get("refused", [])),
            reached=tuple(name for name in said.get("reached", []) if name != _unsaid("CODENAME")),
            suites=suites,
            origins=origins,
            held=tuple(said.get("held", [])),
            behind=int(said.get("behind", ["0"])[0]),
            free={path: (int(size), device) for path, size, device in map(str.split, said.get("free", []))},
            kernel=int(said.get("kernel", ["0"])[0]),
            local_conf=tuple(said.get("local", [])),
        )


def _sources(lines: Iterable[str]) -> tuple[tuple[str, ...], dict[str, tuple[str, ...]]]:
    """The suites of the distribution's own, and all others by who made them."""
    own: dict[str, None] = {}
    others: dict[str, list[str]] = {}
    for line in lines:
        maker, _, place = line.partition("|")
        address, _, suite = place.removesuffix(f"/{_unsaid('COMPONENT')}").partition(" ")
        if maker in _OWN:
            own[suite.partition("/")[0]] = None
        else:
            named = (urlsplit(address).hostname or address) if maker == _unsaid("ORIGIN") else maker
            others.setdefault(named, []).append(f"{address} {suite}")
    return tuple(own), {maker: tuple(places) for maker, places in others.items()}


def _unsaid(name: str) -> str:
    """What ``apt-get indextargets`` prints of a field that a source has not."""
    return f"$({name})"


def _bytes(text: str) -> int:
    """``167 MB`` as apt writes it."""
    number, unit = text.replace(",", "").split()
    return int(float(number) * _UNITS[unit])
