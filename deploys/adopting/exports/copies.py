"""Which of the copied messages a Dovecot without the old server's keys can read: those that are not encrypted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from pyinfra.api import QuoteString, StringCommand

from deploys.adopting.description import Found
from deploys.values import locations

# What a message file of Dovecot's mail_crypt begins with, and one of xz, which 2.4 does not read; it reads what is
# compressed otherwise.
_PACKED = r"^(CRYPTED\x03\x07|\xfd7zXZ\x00)"
# Of each mailbox some are looked into: encryption may have begun one day.
_COMMAND = """export LC_ALL=C
while IFS= read -r path; do
    [ -d "$path/cur" ] || [ -d "$path/new" ] || continue
    echo "there $path"
    files=$(find "$path" -type f \\( -path '*/cur/*' -o -path '*/new/*' \\) 2>/dev/null | sort)
    { printf '%s\\n' "$files" | head -n 20; printf '%s\\n' "$files" | tail -n 20; } | sort -u | tr '\\n' '\\0' |
        xargs -0 -r grep -qaP "$PACKED" 2>/dev/null && echo "packed $path"
done; true"""


COMMAND = StringCommand("env", QuoteString(f"PACKED={_PACKED}"), "sh -c", QuoteString(_COMMAND))


def asked(found: Found) -> str:
    """What COMMAND reads on its standard input, to say which of the Maildirs of ``found`` are on the new host."""
    return "".join(f"{locations.parts(box.messages)['PATH']}\n" for box in found.mailboxes if box.messages)


def those_there(found: Found, lines: Iterable[str]) -> Found:
    """``found`` with the messages that are there to be read alone. ``lines``: what COMMAND printed."""
    said = {(word, path) for word, _, path in (line.partition(" ") for line in lines)}
    boxes, notes = [], []
    for box in found.mailboxes:
        path = locations.parts(box.messages)["PATH"] if box.messages else ""
        why = ""
        if path and ("packed", path) in said:
            why = (
                "are encrypted (or compressed by xz), and only the old server reads them; docs/adopting.md says how to"
            )
            why += " bring them"
        elif path and ("there", path) not in said:
            why = "are not there on the new host"
        if why:
            notes.append(f"{box.address}: its messages at {path} {why}")
        boxes.append(replace(box, messages="", sieve="") if why else box)
    return replace(found, mailboxes=tuple(boxes), not_understood=(*found.not_understood, *notes))
