"""Who is shut out, which the kernel holds: two sets of nftables, whose members leave by themselves. On the host."""

from __future__ import annotations

import ipaddress
import socket
import subprocess

from deploys.components.bans.program.count import Net

TABLE = "posthaus_bans"
FAMILY = "inet"
SECONDS = 10


def name_of(who: Net) -> str:
    """The set that ``who`` is a member of."""
    return f"v{who.version}"


def is_own(who: Net) -> bool:
    """Whether some address of this very host lies in it, as far as one can be tried: that of an IPv4 address."""
    if who.version == 6:
        return any(ipaddress.ip_address(one) in who for one in _own6())
    with socket.socket() as sock:
        try:
            sock.bind((str(who.network_address), 0))
        except OSError:
            return False
    return True


def _own6() -> list[str]:
    """Each of the host's IPv6 addresses (proc(5))."""
    try:
        with open("/proc/net/if_inet6", encoding="ascii") as lines:
            return [":".join(line[part : part + 4] for part in range(0, 32, 4)) for line in lines]
    except OSError:
        return []


def is_shut(who: Net) -> bool:
    """Whether it is a member now."""
    element = f"{{ {who.network_address} }}"
    return not _nft("get", "element", FAMILY, TABLE, name_of(who), element).returncode


def shut(who: Net, seconds: int, table: str) -> None:
    """Let nothing of it in for so long, and end what it has open. ``table``: the file that makes the table, should
    somebody have flushed it. Raises OSError where nftables refuses."""
    add = ("add", "element", FAMILY, TABLE, name_of(who), f"{{ {who.network_address} timeout {seconds}s }}")
    done = _nft(*add)
    if done.returncode:
        _nft("-f", table)
        done = _nft(*add)
    if done.returncode:
        raise OSError(done.stderr.strip().splitlines()[0] if done.stderr.strip() else "nft failed")


def cut(who: Net, ports: list[int]) -> None:
    """End what it has open at ``ports``: its own side learns by a reset, ours by this (ss(8), -K)."""
    asked = " or ".join(f"sport = :{port}" for port in ports)
    where = f"[{who.network_address}]/64" if who.version == 6 else str(who.network_address)
    subprocess.run(["ss", "-HKtn", f"dst {where} and ( {asked} )"], capture_output=True, timeout=SECONDS, check=False)


def _nft(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["nft", *words], capture_output=True, text=True, timeout=SECONDS, check=False)
