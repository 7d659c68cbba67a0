"""Former names: of mailboxes and of domains, as the operator wrote them, and those that cannot be."""

from __future__ import annotations

from collections.abc import Iterator

from deploys.config.addresses.raw import RawAddresses
from deploys.config.base import Problem
from deploys.values.names import domain_of


def problems(raw: RawAddresses) -> Iterator[Problem]:
    """One problem for each former name that is somebody's now, or was two people's."""
    yield from _domains(raw)
    claimed: dict[str, str] = {}
    for box, names in raw.formerly.items():
        for name, place in names.items():
            if raw.system:
                yield (
                    place,
                    (
                        "Unix users keep their homes; rename the user on the host with usermod(8), "
                        f"and make {name} an alias of {box}"
                    ),
                )
                continue
            yield from ((place, text) for text in _wrong(box, name, claimed, raw))
            claimed.setdefault(name, box)


def _domains(raw: RawAddresses) -> Iterator[Problem]:
    claimed: dict[str, str] = {}
    for new, olds in raw.former_domains.items():
        for old, place in olds.items():
            if old == new:
                yield place, f"{old} is its present name; write the one of before"
            elif old in raw.former_domains:
                yield place, f"{old} has a former name itself; write all former names of {new} in one list there"
            elif old in claimed:
                yield place, f"{old} is a former name of {claimed[old]} too; a domain was one domain's"
            claimed.setdefault(old, new)
    for address, place in raw.mailboxes.items():
        now = claimed.get(domain_of(address))
        if now and now != domain_of(address):
            renamed = f"{address.partition('@')[0]}@{now}"
            yield place, f"{domain_of(address)} is a former name of {now}; declare {renamed}, which has its mail"


def _wrong(box: str, name: str, claimed: dict[str, str], raw: RawAddresses) -> Iterator[str]:
    if name == box:
        yield f"{name} is its present name; write the one of before"
    elif name in raw.mailboxes:
        yield (
            f"{name} is a mailbox, so its messages are its own; give that person another address, "
            f"or take {name} out of formerly once {box} has been moved and nobody writes to the old name"
        )
    elif name in raw.aliases:
        yield f"{name} is declared under aliases; take it away there, it leads to {box} by itself"
    elif name in claimed:
        yield f"{name} is a former name of {claimed[name]} too; a mailbox was one person's"
