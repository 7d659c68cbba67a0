"""Many names for one command, by the way of a pipe: a command line has an end (Linux: 128 KiB an argument)."""

from __future__ import annotations

from collections.abc import Iterable

from pyinfra.api import QuoteString, StringCommand


def lines(names: Iterable[str]) -> StringCommand:
    """The beginning of a shell command that has ``names`` in $names, a line each. (printf is the shell's own.)"""
    return StringCommand("names=$(printf '%s\\n'", *[QuoteString(name) for name in names], ");")


def each(command: str) -> str:
    """Run ``command`` with $names as its further arguments, in as many goes as it takes (xargs(1))."""
    return f"printf '%s\\n' \"$names\" | xargs -r -d '\\n' {command}"
