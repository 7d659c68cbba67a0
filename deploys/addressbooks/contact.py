"""One contact, whatever it was written in: what either webmail can keep of it."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

_BREAKS = ("Cc", "Zl", "Zp")  # categories of Unicode: control characters, and what ends lines and paragraphs


class Wrong(ValueError):
    """Every error, a line each, with the file and the line that it stands in."""


@dataclass(frozen=True)
class Contact:
    """``name``: as it is shown. ``emails``: addresses, each with its kind (HOME, WORK or ""). ``label``: all else that
    fits a line. ``lines``: vCard 3.0 without its addresses, from BEGIN on and without END, for Roundcube."""

    name: str
    first: str
    last: str
    nickname: str
    label: str
    emails: tuple[tuple[str, str], ...]
    lines: str


def plain(text: object) -> str:
    """In one line, without control characters."""
    return " ".join("".join(" " if unicodedata.category(one) in _BREAKS else one for one in str(text)).split())
