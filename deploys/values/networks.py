"""Networks whose hosts may send through this server without a password."""

from __future__ import annotations

import ipaddress

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def network(text: str) -> str:
    """The canonical CIDR form of a network or a single address; IPv6 with or without Postfix's brackets.

    Raises ValueError for host names, host bits (Postfix answers 451 to everybody else then) and for networks so wide
    that the server would relay for strangers.
    """
    plain = text.replace("[", "").replace("]", "")
    try:
        net = ipaddress.ip_network(plain)
    except ValueError:
        raise ValueError(_what_is_wrong(text, plain)) from None
    if isinstance(net, ipaddress.IPv6Network) and net.subnet_of(ipaddress.IPv6Network("::ffff:0:0/96")):
        raise ValueError(f"{text} is IPv4 in IPv6's clothes; write it as an IPv4 network, such as 192.0.2.0/24")
    if net.prefixlen == 0:
        raise ValueError(f"{text} is the whole internet, which makes an open relay; write your own network")
    if not net.is_private and net.prefixlen < _widest_public(net):
        raise ValueError(
            f"{text} is public and wider than /{_widest_public(net)}, so strangers could relay; name smaller networks"
        )
    return str(net)


def is_wide(canonical: str) -> bool:
    """Whether a network holds more hosts than one usually knows: worth a warning. Loopback is never wide."""
    net = ipaddress.ip_network(canonical)
    return not net.is_loopback and net.prefixlen < (24 if net.version == 4 else 64)


def _widest_public(net: Network) -> int:
    return 24 if net.version == 4 else 32


def _what_is_wrong(text: str, plain: str) -> str:
    try:
        right = ipaddress.ip_network(plain, strict=False)
    except ValueError:
        return f"{text!r} is not a network; write addresses such as 192.0.2.0/24 or 2001:db8::/64"
    return (
        f"{text} names a host inside a network; write {right} for the network or {plain.partition('/')[0]} for the host"
    )
