"""What the host said, as findings: each change once, by what was changed and not by what follows from it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from deploys.checks import services
from deploys.components import all as every
from deploys.components.component import LOCAL_CONF, UNITS, Component
from deploys.drifting.finding import Cause, Finding
from deploys.drifting.plan import files as declared_files
from deploys.drifting.secrets import NOT_SHOWN, difference, shown
from deploys.result import CONVERGE, CheckResult
from facts.state import CERTIFICATES
from facts.units import Unit
from operations.service import Service

Said = Mapping[str, Sequence[Mapping[str, Any]]]  # by look
BACK = f"{CONVERGE} puts it back"
OPTIONS = {"Postfix": "postfix.parameters", "Dovecot": "dovecot.settings", "rspamd": "filter"}


class Judge:
    """``parts``: what the host is declared to be. ``same``: whether mail.yaml and Posthaus are as at the last run;
    None: the host does not say."""

    def __init__(self, parts: Sequence[Component], said: Said, same: bool | None) -> None:
        self.parts, self.said, self.same = parts, said, same
        self.files = declared_files(parts)
        self.of = dict(_owners(parts))

    def results(self, units: Mapping[str, Unit]) -> list[Finding]:
        """All but what the steps and the listeners say."""
        found = [one for name, look in LOOKS.items() for about in self.said.get(name, ()) for one in look(self, about)]
        found += _certificates(self)
        return [*found, *self.services(units, found)]

    def touches(self, path: str) -> str:
        """The component that a path is of; by its closest directory that is declared."""
        at = path
        while at and at != "/":
            if at in self.of:
                return self.of[at]
            at = at.rpartition("/")[0]
        return "the host"

    def file(self, one: Mapping[str, Any]) -> Iterable[Finding]:
        """A declared file: its content, and owner and mode."""
        path, faults = one["about"], list(one["faults"])
        file = self.files.get(path)
        if one["same"] or not one["now"]:
            yield self._finding("files", path, "; ".join(faults), "hand" if one["now"] else self.cause(one))
            return
        cause: Cause = self.cause(one)
        diff: tuple[str, ...] = ()
        if file is None:  # the host made it of another one
            said = "is not what Posthaus made of the table"
        elif not shown(file):
            said = NOT_SHOWN
        else:
            diff = difference(file, one["text"]) if one["text"] is not None else ()
            said = "content differs"
        yield self._finding("files", path, "; ".join([said, *faults]), cause, diff)

    def cause(self, one: Mapping[str, Any]) -> Cause:
        """Who made a file another one. ``put``: its digest when a run last put it."""
        file = self.files.get(one["about"])
        if one["put"]:
            if one["now"] == one["put"]:
                return "declared"
            return "hand" if file is None or file.sha256 == one["put"] else "either"
        return "hand" if self.same else "either"

    def _finding(self, look: str, path: str, seen: str, cause: Cause, diff: tuple[str, ...] = ()) -> Finding:
        component = self.touches(path)
        return Finding(look, path, seen, component, f"{BACK}{self._keep(component, path)}", cause, diff=diff)

    def _keep(self, component: str, path: str) -> str:
        """How to declare it instead."""
        local = [
            state.path
            for part in self.parts
            if part.name == component
            for state in part.state
            if state.what == LOCAL_CONF
        ]
        ways = [*([f"{OPTIONS[component]} in mail.yaml"] if component in OPTIONS else []), *local]
        return f"; to keep it: {' or '.join(ways)}" if ways and path in self.files else ""

    def services(self, units: Mapping[str, Unit], found: Sequence[Finding]) -> list[Finding]:
        """Units that do not run what lies on disk, unless that is for a change that is named already."""
        by_unit = {service.unit: (part.name, service) for part in self.parts for service in part.services}
        left = {name: _but_for_named(unit, by_unit[name][1], found) for name, unit in units.items()}
        return [
            Finding("services", one.what, one.seen, by_unit[one.what][0], one.remedy)
            for one in services.results(left)
            if one.ok is False
        ]


def _owners(parts: Sequence[Component]) -> Iterable[tuple[str, str]]:
    for part in parts:
        for tree in every.trees([part]):
            yield from ((f"{tree.target}/{path}", part.name) for path in (*tree.files, *tree.built))
            if tree.target != UNITS:
                yield tree.target, part.name
        yield from ((path, part.name) for path in (*every.directories([part]), *(one.path for one in part.secrets)))


def _but_for_named(unit: Unit, service: Service, found: Iterable[Finding]) -> Unit:
    """``unit`` as it would be if it had read what is named: that it has not follows from the change, and is none."""
    named = [one.about for one in found]
    watched = (*service.reload_on, *service.restart_on)
    read = any(one == path or one.startswith(f"{path}/") for one in named for path in watched)
    if any(one.look == "certificates" for one in found):
        read = read or any(path.startswith(CERTIFICATES) for path in watched)
    if any(one.startswith(f"{UNITS}/") for one in named):
        unit = replace(unit, need_daemon_reload=False)
    return replace(unit, newest_reload=None, newest_restart=None, unproved=()) if read else unit


def _paths(judge: Judge, one: Mapping[str, Any]) -> Iterable[Finding]:
    yield Finding("paths", one["about"], one["why"], judge.touches(one["about"]), BACK)


def _code(judge: Judge, one: Mapping[str, Any]) -> Iterable[Finding]:
    remedy = f"{CONVERGE}, which installs all of the webmail's code anew"
    yield Finding("code", one["about"], f"the webmail's code: {one['why']}", "SquirrelMail", remedy)


def _extra(judge: Judge, one: Mapping[str, Any]) -> Iterable[Finding]:
    remedy = "no run removes what it did not put there: move it away, or declare what it says in mail.yaml"
    yield Finding("extra", one["about"], "nobody declared this file", judge.touches(one["about"]), remedy, mends=False)


def _units(judge: Judge, one: Mapping[str, Any]) -> Iterable[Finding]:
    owner = next(
        (part.name for part in judge.parts for service in part.services if service.unit == one["unit"]), "the host"
    )
    remedy = f"no run removes it: rm {one['about']}; systemctl daemon-reload; systemctl restart {one['unit']}"
    yield Finding("units", one["about"], f"changes {one['unit']}, and nobody declared it", owner, remedy, mends=False)


def _certificates(judge: Judge) -> list[Finding]:
    """One for all ports that serve the same name's."""
    groups: dict[tuple[str, bool], list[int]] = {}
    for one in judge.said.get("certificates", ()):
        groups.setdefault((one["chain"], bool(one["unreadable"])), []).append(int(one["about"]))
    found = []
    for (chain, unreadable), ports in groups.items():
        where = f"certificate on {' '.join(map(str, sorted(set(ports))))}"
        seen = f"{chain} cannot be read" if unreadable else f"served is another one than lies in {chain}"
        found.append(Finding("certificates", where, seen, "TLS", f"{CONVERGE}, which reloads who serves it"))
    return found


def _packages(judge: Judge, one: Mapping[str, Any]) -> Iterable[Finding]:
    path = one["about"]
    remedy = f'no run mends it: apt-get install --reinstall "$(dpkg -S {path} | cut -d: -f1)"'
    if one["conffile"]:
        remedy += " keeps a changed one; put it back by hand"
    seen = "a package's own file is gone" if one["gone"] else "a package's own file was changed"
    yield Finding("packages", path, seen, "Packages", remedy, mends=False)


def _people(judge: Judge, one: Mapping[str, Any]) -> Iterable[Finding]:
    name, group = one["about"], one["group"]
    if group:
        remedy = f"no run takes anybody out: gpasswd --delete {name} {group}"
        yield Finding(
            "people", name, f"joined the group {group}, which reads mail's files", "the host", remedy, mends=False
        )
    else:
        remedy = f"no run touches it: find out who made it, then userdel --force {name}"
        yield Finding("people", name, "has the number of root (uid 0)", "the host", remedy, mends=False)


def _keys(judge: Judge, one: Mapping[str, Any]) -> Iterable[Finding]:
    remedy = (
        f"no run replaces a key: restore it from a backup; or publish the new one (deploys/dns.py) and rm"
        f" /var/lib/posthaus/dkim/{one['name']}, then {CONVERGE}"
    )
    yield Finding("keys", one["about"], "another key than the one that was made here", "rspamd", remedy, mends=False)


LOOKS: dict[str, Callable[[Judge, Mapping[str, Any]], Iterable[Finding]]] = {
    "files": Judge.file,
    "paths": _paths,
    "code": _code,
    "extra": _extra,
    "units": _units,
    "packages": _packages,
    "people": _people,
    "keys": _keys,
}


def of_listeners(results: Iterable[CheckResult], found: Sequence[Finding], parts: Sequence[Component]) -> list[Finding]:
    """Ports that are open and declared by nobody; and those that are shut though nobody says that their service is."""
    down = {one.touches for one in found if one.look == "services"}
    owners = {str(port.port): part.name for part in parts for port in part.listens}
    findings = []
    for one in results:
        owner = owners.get(one.key.rpartition(".")[2], "the host") if "undeclared" not in one.key else "the host"
        if one.ok is False and owner not in down:
            findings.append(Finding("listeners", one.what, one.seen, owner, one.remedy, mends=owner != "the host"))
    return findings
