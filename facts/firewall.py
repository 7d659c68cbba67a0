"""Is the firewall's table in the kernel the one that was loaded, and what has ufw been told?"""

from __future__ import annotations

from dataclasses import dataclass

from pyinfra.api import FactBase
from typing_extensions import override

from facts.record import Record

TABLE = "inet posthaus"
# Of its chain alone: which addresses were counted of late is in the table, too, and no rule.
LISTING = f"nft -s list chain {TABLE} input"
COMMENT = "posthaus"  # by which ufw tells our rules from others'
MEMORY = "/run/posthaus-firewall"  # what was loaded, and the way back while nobody has confirmed it


@dataclass(frozen=True)
class Loaded(Record):
    """``table``: it is in the kernel. ``as_loaded``: nobody has changed it since, and no way back is laid (by a run
    that ended before it could come in anew)."""

    table: bool = False
    as_loaded: bool = False


class Rules(FactBase[Loaded]):
    """Our table in the kernel.

    ``pyinfra inventory.py fact facts.firewall.Rules``
    """

    default = Loaded

    @override
    def requires_command(self, *args: object, **kwargs: object) -> str:
        return "nft"

    @override
    def command(self) -> str:
        return f"""if rules=$({LISTING} 2>/dev/null); then echo table
printf '%s\\n' "$rules" | sha256sum | cmp -s - {MEMORY}/loaded &&
[ ! -e {MEMORY}/back ] && echo as_loaded; fi; true"""

    @override
    def process(self, output: list[str]) -> Loaded:
        return Loaded("table" in output, "as_loaded" in output)


class UfwRules(FactBase[list[str]]):
    """The ports that ufw was told to open by a run of ours: ``25/tcp`` (ufw(8), show added).

    ``pyinfra inventory.py fact facts.firewall.UfwRules``
    """

    default = list

    @override
    def command(self) -> str:
        return f"ufw show added 2>/dev/null | grep -F \"comment '{COMMENT}'\" || true"

    @override
    def process(self, output: list[str]) -> list[str]:
        return sorted({words[2] for words in map(str.split, output) if words[:2] == ["ufw", "allow"]})
