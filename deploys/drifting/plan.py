"""What checks/remote/drift.py asks a host, from what the components declare. Holds no secret: files go as digests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from deploys.checks import declared
from deploys.checks.plan import plan as verified
from deploys.components import all as every
from deploys.components.component import UNITS, Component, Context, Tree
from deploys.drifting.secrets import shown
from facts.dkim import KNOWN
from facts.state import CERTIFICATES, tree_state
from operations import accounts, dkim
from operations.file import File

# Others have files there too.
SHARED = (
    UNITS,
    "/etc/tmpfiles.d",
    "/etc/logrotate.d",
    "/etc/sysctl.d",
    "/etc/apt/apt.conf.d",
    "/etc/needrestart/conf.d",
    CERTIFICATES,
)
# What programs, their packages and Posthaus' own steps make there, and what is the administrator's by right.
PASSED = (
    "*/local.conf",
    "*.dpkg-*",
    "*.ucf-*",
    "/etc/dovecot/probe-users",
    "/etc/dovecot/private/*",
    "/etc/postfix/dynamicmaps.cf",
    "/etc/postfix/*.proto",
    "/etc/unbound/unbound_*",
    "*/__pycache__/*",
)
_ADMINISTRATORS = {"root", "adm"}  # groups that people join to look after a host


def plan(context: Context, parts: Sequence[Component], code: Mapping[str, Any]) -> dict[str, Any]:
    """``code``: see checks.declared.code."""
    mail, wanted = context.mail, declared.wanted(parts)
    ports = verified(mail, every.listeners(parts))["tls"]
    return {
        "files": {path: _words(file) for path, file in files(parts).items()} | _built(parts),
        "directories": wanted["directories"],
        "keys": wanted["keys"],
        "code": code,
        "trees": {tree.target: tree_state(tree.target) for tree in every.trees(parts)},
        "owned": owned(context, parts),
        "passed": PASSED,
        "units": units(parts),
        "tls": [
            [kind, name, port, mail.tls.chain_of(name) if name in mail.tls.sni else mail.tls.chain_path]
            for kind, name, port in ports
        ],
        "packages": every.packages(parts),
        "groups": groups(parts),
        "dkim": _dkim(parts),
        "noted": KNOWN,
    }


def files(parts: Iterable[Component]) -> dict[str, File]:
    """Every declared file by its absolute path."""
    return {f"{tree.target}/{path}": file for tree in every.trees(parts) for path, file in tree.files.items()}


def _words(file: File) -> list[Any]:
    return [file.mode, file.user, file.group, file.sha256, shown(file)]


def _built(parts: Iterable[Component]) -> dict[str, list[Any]]:
    return {
        f"{tree.target}/{path}": [*_words(tree.files[source])[:3], "", False]
        for tree in every.trees(parts)
        for path, source in tree.built.items()
    }


def owned(context: Context, parts: Iterable[Component]) -> list[str]:
    """Directories where nobody but Posthaus and packages has anything to put."""
    theirs = {"Apache": context.foreign.serves_sites, "PHP": context.foreign.serves_php}
    return sorted(
        {
            tree.target
            for part in parts
            for tree in part.of(Tree)
            if tree.target not in SHARED
            and not tree.target.startswith(f"{CERTIFICATES}/")
            and not (theirs["Apache"] and tree.target == "/etc/apache2")
            and not (theirs["PHP"] and tree.target.startswith("/etc/php/"))
        }
    )


def units(parts: Sequence[Component]) -> list[str]:
    """The names of all units that are declared, and of the templates that they are made of."""
    names = {path.partition("/")[0].removesuffix(".d") for path in every.units(parts).files}
    for service in every.services(parts):
        names |= {service.unit, *([service.instance] if service.instance else [])}
    return sorted(names)


def groups(parts: Iterable[Component]) -> dict[str, list[str]]:
    """Groups that files and keys of ours are readable to, and who is declared to be in them besides their own user."""
    everything = [one.group for part in parts for tree in part.of(Tree) for one in tree.files.values()]
    everything += [one.group for one in every.directories(parts).values()]
    everything += [one.group for one in every.secrets(parts)]
    found: dict[str, list[str]] = {group: [] for group in sorted(set(everything) - _ADMINISTRATORS)}
    for part in parts:
        for step in part.steps:
            if step.operation is accounts.system_user:
                for group in step.arguments.get("groups", ()):
                    found.setdefault(group, []).append(step.arguments["user"])
    return found


def _dkim(parts: Iterable[Component]) -> dict[str, str]:
    steps = (step for part in parts for step in part.steps if step.operation is dkim.keys)
    return {name: f"{step.arguments['directory']}/{name}.key" for step in steps for name in step.arguments["names"]}
