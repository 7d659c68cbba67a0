"""Postfix's lookup tables and alias files, as text. Pure: no host."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

FILES = ("hash", "texthash", "btree", "lmdb", "cdb", "dbm")  # a text beside each


def rows(text: str) -> dict[str, str]:
    """``{key: value}`` of a table (postmap(1)); a line that begins with white space goes on."""
    return dict(_pairs(_logical(text), re.compile(r"\s+")))


def aliases(text: str) -> dict[str, tuple[str, ...]]:
    """``{name: targets}`` of an alias file (aliases(5))."""
    found = _pairs(_logical(text), re.compile(r"\s*:\s*"))
    return {name.strip('"').lower(): targets(value) for name, value in found}


def targets(value: str) -> tuple[str, ...]:
    """The addresses, commands and files of one value; commas in quotes part nothing."""
    parts = re.findall(r'(?:"[^"]*"|[^,"])+', value)
    return tuple(part.strip() for part in parts if part.strip())


def listed(value: str) -> list[str]:
    """The words of a parameter that is a list (postconf(5))."""
    return [word for word in re.split(r"[,\s]+", value) if word]


def lookup(value: str, files: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """All rows of the tables that the parameter ``value`` names, the first of each key; and those tables that are of
    another kind, or cannot be read."""
    found: dict[str, str] = {}
    unread = []
    for word in listed(value):
        kind, _, path = word.removeprefix("proxy:").partition(":")
        if kind in FILES and path in files:
            found = {**rows(files[path]), **found}
        elif ":" in word:
            unread.append(word.partition("{")[0])
    return found, unread


def names(value: str, files: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """The names in a parameter that lists domains: themselves, of files with a name a line, and the keys of tables."""
    found, unread = [], []
    for word in listed(value):
        plain = word.removeprefix("proxy:")
        if word.startswith("/") and word not in files:
            unread.append(word)
        elif word.startswith("/"):
            found += [line.split()[0] for line in _logical(files.get(word, "")) if line.split()]
        elif ":" in plain:
            keys, other = lookup(word, files)
            found += list(keys)
            unread += other
        elif not word.startswith(("$", "!")):
            found.append(word)
    return [name.lower() for name in found], unread


def _logical(text: str) -> Iterator[str]:
    whole = ""
    for line in text.splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if line[0].isspace() and whole:
            whole += f" {line.strip()}"
            continue
        if whole:
            yield whole
        whole = line.strip()
    if whole:
        yield whole


def _pairs(lines: Iterable[str], parting: re.Pattern[str]) -> Iterator[tuple[str, str]]:
    for line in lines:
        key, *rest = parting.split(line, maxsplit=1)
        yield key, (rest[0] if rest else "").strip()
