"""A site: the directory with an operator's own inventory and mail.yaml, made for the lab's hosts."""

from __future__ import annotations

import pprint
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

HostEntry = tuple[str, Mapping[str, Any]]
HEADER = '"""Made by the lab for its throwaway hosts; written anew at every start."""\n\n'


def write(directory: Path, hosts: Sequence[HostEntry], settings: Mapping[str, Any]) -> Path:
    """Write inventory.py (0600: it may hold a sudo password) and mail.yaml into ``directory`` (0700). Returns it."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_private(directory / "inventory.py", inventory(hosts))
    write_private(directory / "mail.yaml", yaml.safe_dump(dict(settings), allow_unicode=True, sort_keys=False))
    return directory


def inventory(hosts: Sequence[HostEntry]) -> str:
    """The text of an inventory file with one group, ``mail``."""
    entries = [(name, dict(data)) for name, data in hosts]
    return f"{HEADER}mail = {pprint.pformat(entries, width=100, sort_dicts=False)}\n"


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read."""
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_text(text)
