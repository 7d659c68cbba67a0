"""What else of somebody an old SquirrelMail keeps beside the address book: the signature, and harmless preferences."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from deploys.addressbooks.contact import plain

SUFFIXES = (".sig", ".pref")  # of the files that hold them
LONGEST = 65_536  # bytes of a signature that SquirrelMail keeps (functions/file_prefs.php)
# What says something of the person, or of how pages look. Not: folders, whose names are others here; identities, for
# people send as who they are; themes and plugins, which are not there.
KEPT = (
    "full_name", "reply_to", "use_signature", "prefix_sig", "sig_first", "reply_citation_style",
    "reply_citation_start", "reply_citation_end", "reply_focus", "show_num", "date_format", "hour_format",
)  # fmt: skip


@dataclass
class Personal:
    """``signature``: its text, "" for none. ``preferences``: those of KEPT that were chosen."""

    signature: str = ""
    preferences: dict[str, str] = field(default_factory=dict)


def preferences(text: str) -> dict[str, str]:
    """Those of a .pref, ``key=value`` a line, that are KEPT and say something."""
    pairs = (line.partition("=") for line in text.splitlines())
    return {key: value for key, _, rest in pairs if key in KEPT and (value := plain(rest))}


def signature(text: str) -> str:
    """That of a .sig, with the ends of lines that SquirrelMail has; cut where it would keep no more."""
    lines = "\n".join(text.replace("\r\n", "\n").rstrip().split("\n"))
    return lines.encode()[:LONGEST].decode("utf-8", "ignore")


def put(person: Personal, path: Path, text: str) -> None:
    """What ``path`` holds, into ``person``."""
    if path.suffix == ".sig":
        person.signature = signature(text)
    else:
        person.preferences = preferences(text)
