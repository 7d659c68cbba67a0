"""Shared mailboxes whose members could not read them."""

from __future__ import annotations

from collections.abc import Iterator

from deploys.config.addresses.raw import RawAddresses
from deploys.config.addresses.similar import closest
from deploys.config.base import Problem
from deploys.values.names import domain_of


def problems(raw: RawAddresses) -> Iterator[Problem]:
    """One problem for each member who is nobody's login here."""
    for box, people in raw.members.items():
        if raw.system:
            place = (*raw.mailboxes[box], "members")
            yield (
                place,
                "Unix users cannot share a mailbox; write accounts: virtual, or an alias that leads to them all",
            )
            continue
        for person, place in people.items():
            yield from ((place, text) for text in _wrong(box, person, raw))


def _wrong(box: str, person: str, raw: RawAddresses) -> Iterator[str]:
    if person == box:
        yield f"{person} is this mailbox itself; name the people who shall read it"
    elif person in raw.members:
        yield f"{person} is a shared mailbox as well, which reads nothing; name the people"
    elif person in raw.aliases and person not in raw.mailboxes:
        leads = ", ".join(one for one in raw.targets[person] if one in raw.mailboxes)
        yield f"{person} is an alias, which has no login; name {leads or 'the mailboxes of people'}"
    elif person not in raw.mailboxes:
        there = [one for one in raw.mailboxes if domain_of(one) == domain_of(person)]
        yield f"{person} has no mailbox here; declare it under mailboxes{closest(person, there)}"
