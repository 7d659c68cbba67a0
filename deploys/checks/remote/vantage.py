"""From another host of the inventory: what a mail host says to the world at port 25. Nothing is sent."""

from __future__ import annotations

import ipaddress
import smtplib
import socket
from typing import Any

from deploys.checks.remote.messages import envelope
from deploys.checks.remote.protocols import TIMEOUT, attempt, say
from deploys.checks.remote.unauthenticated import own_addresses, untrusted


def vantage(plan: dict[str, Any]) -> None:
    """Look at every address of the plan, then try the envelopes at the first that answers; see checks/vantage.py."""
    own = own_addresses()
    answering = [address for address in plan["addresses"] if _looks(address, own)]
    if not answering:
        return
    # To Postfix a trusted network is no unknown client: what it lets us do says nothing about others.
    if not all(untrusted([address], plan["trusted"]) for address in own):
        return
    for check, (sender, recipient) in plan["envelopes"].items():
        attempt(check, _answer_to, answering[0], sender, recipient)


def _looks(address: str, own: list[str]) -> bool:
    """Say what port 25 greets with, and whether 587 is there. False where nobody can speak to port 25."""
    version = ipaddress.ip_address(address).version
    if not any(ipaddress.ip_address(one).version == version for one in own):
        say("port-25", None, f"has no IPv{version} itself", name=address, unknown=True)
        return False
    try:
        with smtplib.SMTP(timeout=TIMEOUT) as client:
            code, text = client.connect(address, 25)
        say("port-25", code, text, name=address)
    except OSError as error:
        say("port-25", None, f"{type(error).__name__}: {error}", name=address)
        code = 0
    say("port-587", int(_opens(address, 587)), "", name=address)
    return code == 220


def _opens(address: str, port: int) -> bool:
    try:
        with socket.create_connection((address, port), TIMEOUT):
            return True
    except OSError:
        return False


def _answer_to(address: str, sender: str, recipient: str) -> tuple[int, bytes]:
    with smtplib.SMTP(address, 25, timeout=TIMEOUT) as client:
        return envelope(client, sender, recipient)
