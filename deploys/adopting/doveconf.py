"""What ``doveconf -n`` prints, of Dovecot 2.3 and 2.4: blocks, settings, and the variables in paths."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass
class Block:
    """``kind name { … }``; the whole configuration has neither. ``settings``: the last of each name counts."""

    kind: str = ""
    name: str = ""
    settings: dict[str, str] = field(default_factory=dict)
    blocks: list[Block] = field(default_factory=list)

    def of(self, kind: str) -> Iterator[Block]:
        """The blocks of one kind in it."""
        return (one for one in self.blocks if one.kind == kind)

    def get(self, name: str, default: str = "") -> str:
        """A setting; also one of a block inside it of that name (2.4: ``fields { home = … }``)."""
        return self.settings.get(name, default)


def parsed(text: str) -> Block:
    """The configuration that ``text`` is."""
    whole = Block()
    open_blocks = [whole]
    for line in map(str.strip, text.splitlines()):
        if not line or line.startswith("#"):
            continue
        if line == "}":
            if len(open_blocks) > 1:
                open_blocks.pop()
        elif line.endswith("{"):
            kind, _, name = line[:-1].strip().partition(" ")
            block = Block(kind, name.strip().strip('"'))
            open_blocks[-1].blocks.append(block)
            open_blocks.append(block)
        else:
            name, _, value = line.partition("=")
            open_blocks[-1].settings[name.strip()] = _unquoted(value.strip())
    return whole


def _unquoted(value: str) -> str:
    if len(value) > 1 and value[0] == value[-1] == '"':
        return re.sub(r"\\(.)", r"\1", value[1:-1])
    return value


def expanded(text: str, address: str, home: str = "") -> str | None:
    """``text`` for one user, with the variables of both generations; None where it has one that is not known.
    ``address``: as it logs in; ``home``: for ~ and %h."""
    local, _, domain = address.partition("@")
    known = {"u": address, "n": local, "d": domain, "h": home}
    words = {
        "user": address,
        "home": home,
        "user|username": local,
        "user|domain": domain,
        "username": local,
        "domain": domain,
    }

    def value(match: re.Match[str]) -> str:
        name = re.sub(r"\s+|\|?lower\b(?:\(\))?", "", match[1] or "")
        found = words.get(name) if match[1] is not None else known.get(match[3])
        if found is None or (match[2] or "") not in ("", "L"):
            raise LookupError
        return found

    try:
        full = re.sub(r"%(?:\{([^}]*)\}|([A-Z0-9.]*)([a-z]))", value, text)
    except LookupError:
        return None
    if full == "~" or full.startswith("~/"):
        full = home + full[1:]
    return full.replace(":~/", f":{home}/").replace("=~/", f"={home}/")
