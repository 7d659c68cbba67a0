"""Which messages are whose, by what Dovecot of the host says. Pure: it has been asked already."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from deploys.adopting.description import Found, FoundMailbox
from deploys.values import locations
from facts.places import Place


def with_places(found: Found, places: Mapping[str, Place]) -> Found:
    """``found``, each mailbox with where its messages and its active script lie. Whom Dovecot does not know (for they
    may not log in) has them where all others have theirs, if that is one pattern."""
    by_name = {address.lower(): place for address, place in places.items()}
    pattern = _pattern(by_name)
    boxes, notes = [], []
    for box in found.mailboxes:
        place = by_name.get(box.address) or _by_pattern(pattern, box)
        said, odd = locations.understood(place.messages) if place else ("", "")
        if odd:
            notes.append(f"{box.address}: where its messages are has {odd}, which is not understood: {said}")
        if place:
            messages = box.messages or ("" if odd else said)
            boxes.append(replace(box, messages=messages, sieve=box.sieve or place.sieve if messages else ""))
            continue
        boxes.append(box)
        if not box.messages:
            notes.append(f"{box.address}: Dovecot does not say where its messages are, so they stay where they lie")
    return replace(found, mailboxes=tuple(boxes), not_understood=(*found.not_understood, *notes))


def _pattern(places: Mapping[str, Place]) -> str:
    """What makes the place of each from its name and domain; "" where nothing does for all."""
    patterns = {_of_nobody(address, place.messages) for address, place in places.items()}
    return patterns.pop() if len(patterns) == 1 else ""


def _of_nobody(address: str, messages: str) -> str:
    local, _, domain = address.rpartition("@")
    for part, word in ((address, "{address}"), (domain, "{domain}"), (local, "{local}")):
        messages = "/".join(word if one.lower() == part else one for one in messages.split("/"))
    return messages


def _by_pattern(pattern: str, box: FoundMailbox) -> Place | None:
    if not any(word in pattern for word in ("{address}", "{local}")):
        return None
    local, _, domain = box.address.rpartition("@")
    for word, part in (("{address}", box.address), ("{domain}", domain), ("{local}", local)):
        pattern = pattern.replace(word, part)
    return Place(pattern)
