"""Reports on the workstation: a file for each host and kind."""

from __future__ import annotations

import re
from pathlib import Path


def keep(directory: Path, host: str, kind: str, text: str) -> Path:
    """Put ``text`` into ``directory``, under a name of the host's own with ``kind`` as its end (``json``,
    ``drift.html``); returns its path."""
    directory.mkdir(exist_ok=True)
    stem = re.sub(r"[^A-Za-z0-9.-]+", "-", host).strip("-")
    path = directory / f"{stem}.{kind}"
    path.write_text(text, "utf-8")
    return path
