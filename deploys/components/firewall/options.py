"""Who guards the host's ports, and where our rules lie."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator

UNIT = "posthaus-firewall.service"
DIRECTORY = "/etc/posthaus-firewall"
RULES = "rules.nft"


def _who(value: object) -> object:
    if value is True:
        raise ValueError("is yes; write nftables (which is the default), ufw, or false")
    return value


Firewall = Annotated[Literal["nftables", "ufw", False], BeforeValidator(_who)]
