"""What of somebody's contacts an address book lacks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Contact = Mapping[str, Any]  # as deploys.addressbooks.contact has it


class Failed(Exception):
    """Why one person's cannot be added; the others' can."""


@dataclass
class Told:
    """How many contacts were ``added``, how many ``there`` before, and what could not be kept, and why."""

    added: int = 0
    there: int = 0
    left: list[str] = field(default_factory=list)


def key(name: str, email: str) -> tuple[str, str]:
    """The same for contacts that are the same to a person: one name, one address, in whatever case."""
    return " ".join(name.split()).casefold(), email.strip().casefold()


def lacking(name: str, emails: Iterable[str], known: set[tuple[str, str]]) -> list[str]:
    """Those of ``emails`` that are not ``known`` with this name; they are from now on. "" stands for none at all."""
    new = []
    for email in list(emails) or [""]:
        one = key(name, email)
        if one not in known:
            known.add(one)
            new.append(email)
    return new
