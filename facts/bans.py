"""Who is shut out for wrong logins, as the kernel holds it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from pyinfra.api import FactBase
from typing_extensions import override

from facts.record import Record

TABLE = "inet posthaus_bans"
SETS = ("v4", "v6")


@dataclass(frozen=True)
class BanState(Record):
    """``banned``: address, or /64 of IPv6, to the seconds that are left; None: the table is not there."""

    banned: dict[str, int] | None = field(default=None)


class Bans(FactBase[BanState]):
    """Who is shut out, and for how long still.

    ``pyinfra inventory.py fact facts.bans.Bans``
    """

    default = BanState

    @override
    def requires_command(self) -> str:
        return "nft"

    @override
    def command(self) -> str:
        return " && ".join(f"nft -j list set {TABLE} {name} 2>/dev/null" for name in SETS) + " || true"

    @override
    def process(self, output: list[str]) -> BanState:
        answers = [json.loads(line)["nftables"] for line in output if line.strip()]
        if len(answers) < len(SETS):
            return BanState()
        members = [one["elem"] for answer in answers for part in answer for one in part.get("set", {}).get("elem", [])]
        return BanState({_named(one["val"]): int(one["expires"]) for one in members})


def _named(address: str) -> str:
    return f"{address}/64" if ":" in address else address
