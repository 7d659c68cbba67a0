"""What mail.yaml says of addresses, as it is written there: where each stands, and what leads to it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploys.config.base import Place
from deploys.config.reading import yamlfile
from deploys.editing.yamltext import Text
from deploys.values import names


class Refused(ValueError):
    """What was asked for cannot be done; the message says why, and what can."""


@dataclass(frozen=True)
class Declared:
    """``text``: of the file at ``path``. Each change is a new Declared."""

    path: Path
    text: Text

    @property
    def value(self) -> dict[str, Any]:
        """All of it, as YAML."""
        return yamlfile.read(self.path, self.text.text).value

    def to(self, text: Text) -> Declared:
        """The same file with another text."""
        return Declared(self.path, text)

    def key(self, section: str, address: str) -> str | None:
        """The key of ``address`` in ``mailboxes`` or ``aliases``, spelt as in the file; None: it is not there."""
        return next((key for key in self.section(section) if same(key, address)), None)

    def section(self, name: str) -> dict[str, Any]:
        """What a top key holds, if that is a mapping."""
        found = self.value.get(name)
        return found if isinstance(found, dict) else {}

    def list_at(self, place: Place) -> list[Any]:
        """The list in which ``place`` is an entry; none where it is no entry of a list."""
        found: Any = self.value
        for key in place[:-1] if isinstance(place[-1], int) else ():
            found = found[key]
        return found if isinstance(found, list) else []

    def mailbox(self, address: str) -> Place:
        """Where a mailbox stands. Refused where there is none."""
        key = self.key("mailboxes", address)
        if key is None:
            raise Refused(f"{address} is no mailbox in {self.path}; script/mailbox list shows which there are")
        return ("mailboxes", key)

    def leading_to(self, address: str) -> Iterator[Place]:
        """Where ``address`` is named as one who gets mail or shares a mailbox, the last place first, so that each can
        go without moving the others."""
        boxes = {key: box.get("members") for key, box in self.section("mailboxes").items() if isinstance(box, dict)}
        lists: list[tuple[Place, Any]] = [
            (("aliases", alias), targets) for alias, targets in self.section("aliases").items()
        ]
        lists += [(("mailboxes", key, "members"), members) for key, members in boxes.items()]
        for place, listed in reversed(lists):
            for number in reversed(range(len(listed) if isinstance(listed, list) else 0)):
                if same(listed[number], address):
                    yield (*place, number)
        for domain, target in self.section("catch_all").items():
            if same(target, address):
                yield ("catch_all", domain)
        if same(self.value.get("postmaster"), address):
            yield ("postmaster",)


def canonical(address: str) -> str:
    """The one form of an address: lower case, A-labels. Refused for what is none."""
    try:
        return names.address(address)
    except ValueError as error:
        raise Refused(str(error)) from None


def same(written: object, address: str) -> bool:
    """Whether the file's ``written`` means ``address`` (canonical)."""
    try:
        return isinstance(written, str) and names.address(written) == address
    except ValueError:
        return False
