"""What a misspelt word was meant to be, in a time that does not grow with the number of known ones."""

from __future__ import annotations

import difflib
import string
from collections.abc import Collection, Iterator

FEW = 200  # so many are looked at one by one
_MESSAGES = f"{string.ascii_lowercase}{string.digits}.-_"


def closest(word: str, known: Collection[str]) -> str:
    """`` (did you mean …?)`` with one of ``known`` that is like ``word``, or nothing.

    ``known``: domains, or addresses of the domain of ``word`` (then only the part before the @ counts). Of more than
    a few, only one that differs by a single message is found, or by two that changed places.
    """
    local, at, domain = word.rpartition("@")
    spelt, ending = (local, f"@{domain}") if at else (word, "")
    if len(known) <= FEW:
        found = difflib.get_close_matches(spelt, [name.removesuffix(ending) for name in known], n=1, cutoff=0.7)
    else:
        found = [one for one in _one_slip_away(spelt) if f"{one}{ending}" in known][:1]
    return f" (did you mean {found[0]}{ending}?)" if found else ""


def _one_slip_away(word: str) -> Iterator[str]:
    halves = [(word[:place], word[place:]) for place in range(len(word) + 1)]
    for before, after in halves:
        if len(after) > 1:
            yield f"{before}{after[1]}{after[0]}{after[2:]}"
        if after:
            yield f"{before}{after[1:]}"
            yield from (f"{before}{message}{after[1:]}" for message in _MESSAGES)
        yield from (f"{before}{message}{after}" for message in _MESSAGES)
