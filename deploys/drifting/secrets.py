"""A file's difference without its secrets. What the declaration says not everybody may read is never shown at all."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator

from operations.file import File

LONGEST = 12  # lines of a difference; the rest is counted
NOT_SHOWN = "content differs (secret, not shown)"
HIDDEN = "(may hold a secret, not shown)"
# A file that everybody may read should hold none; a hand may have put one there all the same.
_SECRET = re.compile(
    r"\w*pass(?:word|wd|phrase)?s?\b|passwd|masterauth|bindpw|secret|token|credential|api_?key|\bkey\s*[:=]|static:"
    r"|\$(?:argon2\w*|2[abxy]|1|5|6|y|gy|7)\$|\{[A-Za-z0-9.-]+\}\$|-----BEGIN|://[^/\s:@]+:[^@\s]+@"
    r"|(?<![A-Za-z0-9+/])(?=[A-Za-z0-9+/]*[0-9])(?=[A-Za-z0-9+/]*[A-Z])[A-Za-z0-9+/]{32,}={0,2}",
    re.I,
)


def shown(file: File) -> bool:
    """Whether the content of ``file`` may be shown: all may read it, and it is no key."""
    return file.mode[-1] != "0" and b"PRIVATE KEY" not in file.data


def difference(file: File, there: str) -> tuple[str, ...]:
    """Lines of ``file`` (-) and of what is there instead (+), those that may hold a secret named only."""
    if not shown(file) or "PRIVATE KEY" in there:
        return ()
    declared = file.data.decode(errors="replace").splitlines()
    lines = [line for line in _hidden(declared, there.splitlines()) if line[:1] in "+-"]
    rest = len(lines) - LONGEST
    return (*lines[:LONGEST], *([f"… and {rest} more lines"] if rest > 0 else []))


def _hidden(declared: list[str], there: list[str]) -> Iterator[str]:
    safe_old, safe_new = list(_safe(declared)), list(_safe(there))
    matcher = difflib.SequenceMatcher(a=declared, b=there, autojunk=False)
    for tag, old, old_end, new, new_end in matcher.get_opcodes():
        if tag != "equal":
            yield from (f"- {line}" for line in safe_old[old:old_end])
            yield from (f"+ {line}" for line in safe_new[new:new_end])


def _safe(lines: Iterable[str]) -> Iterator[str]:
    """A line that goes on from a secret one (it begins with a blank) is one too."""
    secret = False
    for line in lines:
        secret = bool(_SECRET.search(line)) or (secret and line[:1] in (" ", "\t") and bool(line.strip()))
        yield HIDDEN if secret else line
