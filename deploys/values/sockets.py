"""A port and its protocol, as an operator writes them: ``9100`` (TCP) or ``51820/udp``."""

from __future__ import annotations

import re


def opened(value: object) -> str:
    """``9100/tcp`` or ``51820/udp``, from 9100, "9100", "9100/tcp" or "51820/udp"."""
    found = re.fullmatch(r"([0-9]{1,5})(?:/(tcp|udp))?", str(value))
    if isinstance(value, bool) or not found or not 1 <= int(found[1]) <= 65535:
        raise ValueError(f"{value!r} is no port; write 9100, or 51820/udp")
    return f"{int(found[1])}/{found[2] or 'tcp'}"


def split(port: str) -> tuple[str, int]:
    """Protocol and number of what ``opened`` made."""
    number, _, protocol = port.partition("/")
    return protocol, int(number)
