"""The host's firewall: one table of nftables, and the unit that loads it."""

from __future__ import annotations

from pathlib import Path

from deploys.components.component import Context
from deploys.components.firewall.options import DIRECTORY, RULES, UNIT
from deploys.render import template
from deploys.values import sockets
from facts.firewall import LISTING, MEMORY, TABLE
from operations.file import File

HERE = Path(__file__).parent
# Of one address, to all ports of the mail server together: new connections a second, and at once. A school of a
# thousand behind one address has some 50 a second while its first lesson begins (docs/security.md).
RATE, BURST = 100, 2000


def opened(context: Context) -> tuple[tuple[str, int], ...]:
    """Protocol and number of the ports that are open to all: of declared listeners, and the operator's own."""
    declared = {("tcp", one.port) for one in context.listens if not one.only}
    return tuple(sorted(declared | set(map(sockets.split, context.mail.open_ports))))


def rules(context: Context) -> str:
    """rules.nft, which may be loaded any number of times (nft(8))."""
    by = {protocol: [number for one, number in opened(context) if one == protocol] for protocol in ("tcp", "udp")}
    ours = sorted({one.port for one in context.listens if not one.only})
    told = {"ssh": context.machine.ssh_ports, "ours": ours, "only": restricted(context)}
    return template(HERE / "rules.nft.j2", rate=RATE, burst=BURST, **told, **by)


def restricted(context: Context) -> list[tuple[str, str, int]]:
    """``(ip or ip6, a network, the port it may come to)`` of the declared listeners that are not for everybody."""
    return [("ip6" if ":" in network else "ip", network, one.port) for one in context.listens for network in one.only]


def unit() -> File:
    """Loaded before the network is up; and anew after others have flushed everything, as nftables.service does."""
    load = f"/bin/sh -c 'nft -f {DIRECTORY}/{RULES} && {LISTING} | sha256sum >{MEMORY}/loaded'"
    lines = (
        "[Unit]",
        "Description=Posthaus's firewall: open to the ports of the mail server, and to no others",
        "DefaultDependencies=no",
        "Wants=network-pre.target",
        "Before=network-pre.target shutdown.target",
        "After=nftables.service local-fs.target",
        "Conflicts=shutdown.target",
        "PartOf=nftables.service",
        "ReloadPropagatedFrom=nftables.service",
        "",
        "[Service]",
        "Type=oneshot",
        "RemainAfterExit=yes",
        f"RuntimeDirectory={MEMORY.removeprefix('/run/')}",
        "RuntimeDirectoryMode=0700",
        "RuntimeDirectoryPreserve=yes",
        f"ExecStart={load}",
        f"ExecReload={load}",
        f"ExecStop=-nft delete table {TABLE}",
        "",
        "[Install]",
        "WantedBy=multi-user.target",
    )
    return File("\n".join(lines) + "\n")


def units() -> dict[str, File]:
    """Units below /etc/systemd/system."""
    return {UNIT: unit()}
