"""Many words for one command: on its standard input, for a command line has an end (Linux: 128 KiB an argument)."""

from __future__ import annotations

from collections.abc import Iterable

from pyinfra.api import QuoteString, StringCommand


def as_stdin(words: Iterable[str]) -> str:
    """What to give as ``_stdin``: a word a line."""
    return "".join(f"{word}\n" for word in words)


def read(words: Iterable[str] | None) -> StringCommand:
    """The beginning of a shell command that has ``words`` in $words, a line each; None: those on standard input."""
    if words is None:
        return StringCommand("words=$(cat);")
    return StringCommand("words=$(printf '%s\\n'", *[QuoteString(word) for word in words], ");")


def each(command: str) -> str:
    """Run ``command`` with the words in $words as its further arguments, in as many goes as it takes (xargs(1))."""
    return f"printf '%s\\n' \"$words\" | xargs -r -d '\\n' {command}"
