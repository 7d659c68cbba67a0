"""What is configured on a host that Posthaus did not write: whose mail, whose sites, whose accounts."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from pyinfra.api import FactBase, QuoteString, StringCommand
from typing_extensions import override

from facts import shell
from facts.apache import Site, read_sites
from facts.record import Record

_PROGRAM = shell.text("foreign.sh")
OURS = re.compile(r"/zz-posthaus\.(?:conf|load):")  # what Posthaus adds to an Apache that is not its own


@dataclass(frozen=True)
class Entry(Record):
    """One row of passwd(5) or group(5); of a group, ``uid`` is None and ``members`` are those listed."""

    name: str
    gid: int
    uid: int | None = None
    home: str = ""
    shell: str = ""
    members: tuple[str, ...] = ()


@dataclass(frozen=True)
class ForeignState(Record):
    """``targets``: directories that hold files of ours; ``units``: those that a run of ours has converged; ``ours``:
    components whose configuration Posthaus wrote.
    ``files``: by component, those that are neither ours nor as their package brought them. ``hostname``: whole, where
    Postfix is not ours. ``shared``: components that serve us and somebody else already (apache, php); ``there``:
    those that are installed (php).

    Of Postfix: ``main_cf`` and ``master_cf`` as lines, ``master_dist`` what the package brings, ``parameters`` as
    postconf(1) reads them, ``tables`` the keys in each lookup table by parameter, ``aliases`` /etc/aliases.
    Of Apache: ``sites`` of others (an empty ``hostname``: whatever name is asked for), ``names`` their ServerAlias,
    ``listens``, ``includes`` the files that it reads, ``applications`` further entries of conf-enabled and
    sites-enabled, ``pages`` below /var/www/html, ``refusals`` of its own checker.
    ``people``: Unix users with mail, and where. ``accounts``: who has the name or the numbers of mail's owner.
    """

    hostname: str = ""
    targets: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    ours: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()
    there: tuple[str, ...] = ()
    files: dict[str, tuple[str, ...]] = field(default_factory=dict)
    main_cf: tuple[str, ...] = ()
    master_cf: tuple[str, ...] = ()
    master_dist: tuple[str, ...] = ()
    parameters: dict[str, str] = field(default_factory=dict)
    tables: dict[str, tuple[str, ...]] = field(default_factory=dict)
    aliases: tuple[str, ...] = ()
    dovecot: tuple[str, ...] = ()
    sites: tuple[Site, ...] = ()
    names: tuple[str, ...] = ()
    listens: tuple[str, ...] = ()
    includes: tuple[str, ...] = ()
    applications: tuple[str, ...] = ()
    pages: tuple[str, ...] = ()
    refusals: tuple[str, ...] = ()
    people: dict[str, str] = field(default_factory=dict)
    accounts: dict[str, Entry] = field(default_factory=dict)

    @property
    def serves_sites(self) -> bool:
        """Whether Apache serves somebody else's sites, so that ours stand beside them."""
        return "apache" not in self.ours and bool(
            "apache" in self.shared or self.files.get("apache") or self.applications or self.pages
        )

    @property
    def serves_php(self) -> bool:
        """Whether PHP serves somebody else too, so that our pool stands beside others."""
        if "php" in self.ours:
            return False
        return bool("php" in self.shared or self.files.get("php") or (self.serves_sites and "php" in self.there))

    def listens_on(self, port: int) -> bool:
        """Whether others' configuration has Apache listen on ``port`` already."""
        return any(re.search(rf"(?:^|:){port}$", one) for one in self.listens)


class Foreign(FactBase[ForeignState]):
    """What of ``components`` (postfix, dovecot, apache, php, rspamd, unbound, files) others configured, and who has the
    name ``user`` or its numbers. ``files``: ``(state of a tree, path in it, whole path)``. Changes nothing.

    ``pyinfra inventory.py fact facts.foreign.Foreign components='["postfix", "dovecot", "apache"]'``
    """

    default = ForeignState

    @override
    def command(
        self,
        components: list[str],
        user: str = "vmail",
        uid: int = 5000,
        gid: int = 5000,
        php: str = "",
        files: list[tuple[str, str, str]] | None = None,
    ) -> StringCommand:
        rows = "\n".join(" ".join(row) for row in files or [])
        settings = {"USER_NAME": user, "USER_ID": uid, "GROUP_ID": gid, "PHP": php, "FILES": rows}
        return StringCommand(
            "env",
            *[QuoteString(f"{name}={value}") for name, value in settings.items()],
            "sh -c",
            QuoteString(_PROGRAM),
            "foreign",
            *[QuoteString(component) for component in components],
        )

    @override
    def process(self, output: list[str]) -> ForeignState:
        told: dict[str, list[str]] = {}
        for line in output:
            word, _, rest = line.partition(" ")
            told.setdefault(word, []).append(rest)
        nameless = set(told.get("N", []))
        sites = [site for site in read_sites(told.get("S", [])) if not OURS.search(site.declared)]
        return ForeignState(
            hostname=told.get("X", [""])[0],
            targets=tuple(told.get("Z", [])),
            units=tuple(told.get("V", [])),
            ours=tuple(told.get("O", [])),
            shared=tuple(told.get("B", [])),
            there=tuple(told.get("W", [])),
            files=_pairs(told.get("F", [])),
            main_cf=tuple(told.get("M", [])),
            master_cf=tuple(told.get("R", [])),
            master_dist=tuple(told.get("Q", [])),
            parameters={name: value.strip() for name, _, value in (one.partition(" ") for one in told.get("P", []))},
            tables=_pairs(told.get("T", [])),
            aliases=tuple(told.get("A", [])),
            dovecot=tuple(told.get("D", [])),
            sites=tuple(_named(site, nameless) for site in sites),
            names=_aliases(told.get("S", [])),
            listens=tuple(told.get("L", [])),
            includes=tuple(told.get("I", [])),
            applications=tuple(told.get("K", [])),
            pages=tuple(told.get("H", [])),
            refusals=tuple(told.get("E", [])),
            people={name: place for name, _, place in (one.partition(" ") for one in told.get("G", []))},
            accounts=dict(map(_entry, told.get("U", []))),
        )


def _pairs(lines: list[str]) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for line in lines:
        key, _, value = line.partition(" ")
        found.setdefault(key, []).append(value)
    return {key: tuple(dict.fromkeys(values)) for key, values in found.items()}


def _named(site: Site, nameless: set[str]) -> Site:
    return Site(site.address, site.port, "", site.declared) if site.declared in nameless else site


def _aliases(lines: list[str]) -> tuple[str, ...]:
    """The further names of others' sites: ``alias`` and ``wild alias`` below each in what apache2ctl -S prints."""
    found, mine = [], False
    for line in lines:
        if declared := re.search(r"\((.+)\)$", line):
            mine = bool(OURS.search(declared[1]))
        elif (alias := re.match(r"^\s+(?:wild )?alias (\S+)$", line)) and not mine:
            found.append(alias[1])
    return tuple(dict.fromkeys(found))


def _entry(line: str) -> tuple[str, Entry]:
    """``name vmail:x:5000:5000::/var/mail/vhosts:/usr/sbin/nologin`` or ``gid mail:x:8:vmail``."""
    what, _, row = line.partition(" ")
    cells = row.split(":")
    if len(cells) == 7:
        return what, Entry(cells[0], int(cells[3]), int(cells[2]), cells[5], cells[6])
    return what, Entry(cells[0], int(cells[2]), members=tuple(filter(None, cells[3].split(","))))
