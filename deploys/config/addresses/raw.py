"""The addresses as the operator wrote them, before anything else is known to be right.

Errors between addresses are worth telling together with errors in single values, so this reads what can be read and
leaves out the rest (``complete`` says whether anything was left out).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from deploys.config.base import Place, Problem
from deploys.values import names


@dataclass
class RawAddresses:
    """Canonical addresses, each with its place in mail.yaml."""

    hostname: str | None = None
    domains: dict[str, Place] = field(default_factory=dict)
    mailboxes: dict[str, Place] = field(default_factory=dict)
    aliases: dict[str, Place] = field(default_factory=dict)
    targets: dict[str, dict[str, Place]] = field(default_factory=dict)  # of each alias
    catch_all: dict[str, tuple[str, Place]] = field(default_factory=dict)
    postmaster: str | None = None
    passwords: dict[str, Any] = field(default_factory=dict)
    members: dict[str, dict[str, Place]] = field(default_factory=dict)  # of each shared mailbox
    formerly: dict[str, dict[str, Place]] = field(default_factory=dict)  # of each mailbox that had other names
    former_domains: dict[str, dict[str, Place]] = field(default_factory=dict)
    system: bool = False
    complete: bool = True
    repeated: list[Problem] = field(default_factory=list)

    @classmethod
    def read(cls, settings: Mapping[str, Any]) -> RawAddresses:
        """What can be read of ``settings`` (the mapping of mail.yaml)."""
        raw = cls(system=settings.get("accounts") == "system")
        raw.hostname = raw._canonical(names.host_name, settings.get("hostname", ""))
        raw.postmaster = raw._canonical(names.address, settings.get("postmaster", ""))
        for place, text in _items(settings, "domains"):
            raw._add(raw.domains, names.host_name, text, place, "domain")
        for key, domain in _pairs(settings, "domains"):
            raw._former_domains(key, domain)
        for key, mailbox in _pairs(settings, "mailboxes"):
            canonical = raw._add(raw.mailboxes, names.mailbox_address, key, ("mailboxes", key), "mailbox")
            if canonical:
                raw.passwords[canonical] = _said(mailbox, "password")
                if formerly := _said(mailbox, "formerly"):
                    raw.formerly[canonical] = raw._addresses(_listed(formerly), ("mailboxes", key, "formerly"))
                if members := _said(mailbox, "members"):
                    raw.members[canonical] = raw._addresses(members, ("mailboxes", key, "members"))
        for key, targets in _pairs(settings, "aliases"):
            canonical = raw._add(raw.aliases, names.alias_address, key, ("aliases", key), "alias")
            if canonical:
                raw.targets[canonical] = raw._addresses(targets, ("aliases", key))
        for key, target in _pairs(settings, "catch_all"):
            raw._catch_all(key, target)
        return raw

    def _former_domains(self, key: str, domain: object) -> None:
        new, place = self._canonical(names.host_name, key), ("domains", key, "formerly")
        olds = [self._canonical(names.host_name, text) for text in _texts(_said(domain, "formerly"))]
        if new and any(olds):
            self.former_domains[new] = {old: place for old in olds if old}
            for old in self.former_domains[new]:
                self.domains.setdefault(old, place)

    def former(self, address: str) -> bool:
        """Whether it is a former name of a mailbox or an alias, in a domain of ours."""
        if any(address in olds for olds in self.formerly.values()):
            return True
        local, _, domain = address.rpartition("@")
        renamed = (f"{local}@{new}" for new, olds in self.former_domains.items() if domain in olds)
        return any(
            one in self.mailboxes or one in self.aliases or self.former(one) for one in renamed if one != address
        )

    def _catch_all(self, key: str, target: object) -> None:
        places = {domain: place for domain, (_, place) in self.catch_all.items()}
        domain = self._add(places, names.host_name, key, ("catch_all", key), "domain")
        address = self._canonical(names.address, target)
        if domain and address:
            self.catch_all[domain] = (address, ("catch_all", key))

    def _addresses(self, targets: object, place: Place) -> dict[str, Place]:
        found: dict[str, Place] = {}
        for number, text in enumerate(targets if isinstance(targets, (list, tuple)) else ()):
            canonical = self._canonical(names.address, text)
            if canonical:
                found.setdefault(canonical, (*place, number))
        return found

    def _add(
        self, known: dict[str, Place], form: Callable[[str], str], text: object, place: Place, what: str
    ) -> str | None:
        """Note ``text`` under its canonical form, which is returned; None if there is none, or it is there already."""
        canonical = self._canonical(form, text)
        if canonical is None:
            return None
        if canonical in known:
            self.repeated.append(
                (place, f"{text} is the same {what} as {_text_at(known[canonical])}; keep one of them")
            )
            return None
        known[canonical] = place
        return canonical

    def _canonical(self, form: Callable[[str], str], text: object) -> str | None:
        if not text:
            return None
        try:
            return form(text) if isinstance(text, str) else form("")
        except ValueError:
            self.complete = False
            return None


def _said(mailbox: object, option: str) -> Any:
    return mailbox.get(option) if isinstance(mailbox, Mapping) else getattr(mailbox, option, None)


def _texts(value: object) -> Sequence[object]:
    found = _listed(value)
    return found if isinstance(found, (list, tuple)) else ()


def _listed(value: object) -> object:
    """One name may stand there without a list around it."""
    return (value,) if isinstance(value, str) else value


def _pairs(settings: Mapping[str, Any], key: str) -> Iterator[tuple[str, Any]]:
    section = settings.get(key)
    if isinstance(section, Mapping):
        yield from section.items()


def _items(settings: Mapping[str, Any], key: str) -> Iterator[tuple[Place, Any]]:
    section = settings.get(key)
    if isinstance(section, Mapping):
        yield from (((key, name), name) for name in section)
    for number, item in enumerate(section if isinstance(section, (list, tuple)) else ()):
        yield (key, number), item


def _text_at(place: Place) -> str:
    return str(place[-1]) if isinstance(place[-1], str) else f"entry {place[-1] + 1}"
