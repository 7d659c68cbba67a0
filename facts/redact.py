"""Rows of a file, their secrets told apart and not told. Standard library alone: a host's own python3 runs this too."""

import hashlib
import re
import sys


def redacted(text: str, hides: str) -> str:
    """``text`` with what group 1 of the pattern ``hides`` matches in each row replaced by the beginning of its SHA-256,
    so that two can be compared; an empty pattern hides nothing."""
    if not hides:
        return text
    pattern = re.compile(hides, re.M)

    def digest(match: "re.Match[str]") -> str:
        row, at = match.group(0), match.start()
        start, end = match.start(1) - at, match.end(1) - at
        if start == end:
            return row
        return row[:start] + hashlib.sha256(row[start:end].encode()).hexdigest()[:16] + row[end:]

    return pattern.sub(digest, text)


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8", errors="replace") as file:
        sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
        sys.stdout.write(redacted(file.read(), sys.argv[2]))
