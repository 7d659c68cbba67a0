"""The components that a mail.yaml declares, on a host that exists only here."""

from __future__ import annotations

from collections.abc import Mapping

from deploys.components import all as every
from deploys.components.component import Component, Context, Listener
from deploys.config.mailserver import MailServer
from facts.machine import MachineState
from facts.packages import Package
from operations.file import File

VERSIONS = {"dovecot-core": "1:2.4.1-1", "php-fpm": "2:8.4+96", "postsrsd": "2.0.10-1", "postfix": "3.10.5-1"}


def machine(ipv6: bool = True, /, **versions: str) -> MachineState:
    """Debian 13, or one with other ``versions`` (package, with _ for -)."""
    known = VERSIONS | {name.replace("_", "-"): version for name, version in versions.items()}
    return MachineState(ipv6=ipv6, packages={name: Package(installed=version) for name, version in known.items()})


def context(mail: MailServer, ipv6: bool = True, /, **versions: str) -> Context:
    return Context(mail, machine(ipv6, **versions))


def parts(mail: MailServer, **versions: str) -> tuple[Component, ...]:
    return every.declared(context(mail, **versions))


def packages(mail: MailServer) -> list[str]:
    return every.packages(parts(mail))


def units(mail: MailServer) -> Mapping[str, File]:
    return every.units(parts(mail)).files


def targets(mail: MailServer) -> set[str]:
    return {tree.target for tree in every.trees(parts(mail))}


def ports(mail: MailServer) -> tuple[Listener, ...]:
    return every.listeners(parts(mail))
