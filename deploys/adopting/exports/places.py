"""What the readers of exports share: where copied messages lie, files of lines, keys. Pure, but for reading files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from deploys.adopting.description import FoundKey


class NotAnExportError(ValueError):
    """What is missing in a directory, as a sentence."""


def need(directory: Path, *names: str) -> None:
    """NotAnExportError unless ``directory`` has each of the files ``names``."""
    if not directory.is_dir():
        raise NotAnExportError(f"{directory} is no directory; name the one that the export lies in")
    if missing := [name for name in names if not (directory / name).is_file()]:
        raise NotAnExportError(f"{directory} has no {', '.join(missing)}, so it is not what docs/adopting.md describes")


def content(path: Path) -> list[str]:
    """The lines of a file less comments and empty ones; none of a file that is not there."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return []
    return [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]


def maildir(messages: str, address: str, below: str = "") -> str:
    """``maildir:MESSAGES/DOMAIN/NAME``; "" where no messages were brought along. ``messages``: a directory on the
    host; ``below``: where in each person's directory the Maildir is."""
    if not messages:
        return ""
    local, _, domain = address.rpartition("@")
    return f"maildir:{'/'.join([messages.rstrip('/'), domain, local, *filter(None, [below])])}"


def keys_below(directory: Path) -> Iterator[FoundKey]:
    """The keys of OpenDKIM: DOMAIN/SELECTOR.private."""
    for path in sorted(directory.glob("*/*.private")):
        yield key(path.parent.name, path.stem, path)


def key(domain: str, selector: str, path: Path) -> FoundKey:
    """A key in a file of its own."""
    return FoundKey(domain, selector, str(path), path.read_text(encoding="utf-8", errors="replace"))
