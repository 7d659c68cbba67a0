"""Unauthenticated clients: what the host refuses to those who have not logged in."""

from __future__ import annotations

import ipaddress
import smtplib
import subprocess
from collections.abc import Iterable

from deploys.checks.remote.messages import envelope
from deploys.checks.remote.protocols import TIMEOUT, anything


def own_addresses() -> list[str]:
    """This host's addresses but loopback and link-local ones, IPv4 first."""
    words = subprocess.run(["hostname", "-I"], capture_output=True, text=True, check=False).stdout.split()
    return sorted(words, key=lambda word: ipaddress.ip_address(word).version)


def untrusted(addresses: Iterable[str], networks: Iterable[str]) -> str | None:
    """The first address that lies in none of the networks: to Postfix a client from there is an unknown one."""
    trusted = [ipaddress.ip_network(network.translate({91: None, 93: None}), strict=False) for network in networks]
    for word in addresses:
        if not any(ipaddress.ip_address(word) in network for network in trusted):
            return word
    return None


def answer_to(address: str, sender: str, recipient: str) -> tuple[int, bytes]:
    """What port 25 says to an unauthenticated client with this envelope; nothing is sent."""
    helo = f"[IPv6:{address}]" if ":" in address else f"[{address}]"  # a literal needs no DNS (RFC 5321, 4.1.3)
    with smtplib.SMTP(address, 25, local_hostname=helo, timeout=TIMEOUT, source_address=(address, 0)) as client:
        return envelope(client, sender, recipient)


def offers_auth(address: str, port: int, tls: bool) -> tuple[int, str]:
    """1 if AUTH is offered before TLS or, with ``tls``, after it."""
    with smtplib.SMTP(address, port, timeout=TIMEOUT) as client:
        client.ehlo()
        offered = ["before TLS"] if client.has_extn("auth") else []
        if tls:
            client.starttls(context=anything())
            client.ehlo()
            offered += ["in TLS"] if client.has_extn("auth") else []
    return int(bool(offered)), f"offered {' and '.join(offered)}" if offered else "not offered"
