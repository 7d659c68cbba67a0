"""Which folder of the old server becomes which one here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from deploys.migrating.program.imap import Folder

# What the folders that every mailbox here has are called elsewhere, where no flag of RFC 6154 says so.
NAMES = {
    "Sent": ("sent", "sent items", "sent messages", "sent mail", "sent-mail", "gesendet", "gesendete elemente"),
    "Trash": ("trash", "deleted items", "deleted messages", "deleted", "papierkorb", "gelöschte elemente"),
    "Junk": ("junk", "junk e-mail", "junk email", "junk mail", "spam", "bulk mail", "junk-e-mail"),
    "Drafts": ("drafts", "draft", "entwürfe"),
    "Archive": ("archive", "archives", "archiv"),
}
FLAGS = {f"\\{name.lower()}": name for name in NAMES}
ALL = "\\all"  # Gmail's All Mail: every message once more
VIEWS = {"\\flagged", "\\important"}  # Gmail's Starred and Important: what lies elsewhere, shown again


@dataclass(frozen=True)
class Pair:
    """``old``: the folder's name there; ``seen``: below the prefix, with slashes, as Dovecot's imapc shows it;
    ``here``: where its messages go. ``rest``: only those that lie in no other folder."""

    old: str
    seen: str
    here: str
    rest: bool = False


def prefix(folders: Iterable[Folder]) -> str:
    """``INBOX`` where all other folders lie below it (Courier, Cyrus); else nothing."""
    found = [one for one in folders if one.name != "INBOX"]
    below = [one.delimiter and one.name.upper().startswith(f"INBOX{one.delimiter}") for one in found]
    return "INBOX" if found and all(below) else ""


def pairs(folders: Iterable[Folder]) -> tuple[list[Pair], list[str]]:
    """What goes where, INBOX first and what holds everything once more last; and names that no folder here can have."""
    found = [one for one in folders if not VIEWS & one.flags]
    cut = prefix(found)
    made: list[Pair] = []
    odd: list[str] = []
    for one in found:
        bare = one.name[len(cut) + 1 :] if cut and one.name != "INBOX" else one.name
        parts = bare.split(one.delimiter) if one.delimiter else [bare]
        if any("/" in part for part in parts):  # imapc shows names with slashes between their parts
            odd.append(one.name)
            continue
        rest = ALL in one.flags
        here = "Archive" if rest else _special(one, parts) or "/".join(part.replace(".", "_") for part in parts)
        made.append(Pair(one.name, "/".join(parts), here, rest))
    return sorted(made, key=lambda pair: (pair.rest, pair.old != "INBOX", pair.old)), odd


def _special(folder: Folder, parts: list[str]) -> str:
    flagged = next((FLAGS[flag] for flag in sorted(folder.flags) if flag in FLAGS), "")
    named = next((name for name, others in NAMES.items() if len(parts) == 1 and parts[0].lower() in others), "")
    return flagged or named
