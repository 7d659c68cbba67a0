"""The guard's files, and the table of nftables that it fills. Same options in, same text out."""

from __future__ import annotations

import json

from deploys import shipping
from deploys.components.bans import probe
from deploys.components.bans.options import PORT, Bans
from deploys.components.bans.program import count, main, memory, serve, shut
from deploys.probes.program import program as probing
from deploys.values import ports
from deploys.values.hardening import SHUT_IN
from operations.file import File

DIRECTORY = "/usr/local/lib/posthaus-bans"
TABLE_FILE = f"{DIRECTORY}/table.nft"
TABLE_UNIT, UNIT = "posthaus-bans-table.service", "posthaus-bans.service"
STATE = "posthaus-bans"  # below /var/lib
MODULES = (count, main, memory, serve, shut)
# What mail and pages come by. Not SSH: it has no logins of mailboxes, and an administrator whose mail program has the
# password of yesterday keeps the way by which to mend it.
PORTS = tuple(
    sorted(
        (
            *(ports.SMTP, ports.SUBMISSION, ports.SUBMISSIONS, ports.IMAP, ports.IMAPS),
            *(ports.POP3, ports.POP3S, ports.SIEVE, ports.HTTP, ports.HTTPS),
        )
    )
)
_MAIN = f"""import sys

from deploys.components.bans.program.main import main

sys.exit(main(["{DIRECTORY}", *sys.argv[1:]]))
"""
_HEAD = "# Written by Posthaus: the next run undoes changes made here.\n"
_TABLE = f"""[Unit]
Description=Who is shut out for wrong logins: the table
# whoever flushes all rules does it when these start
After=nftables.service ufw.service firewalld.service
Before={UNIT}

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/sbin/nft -f {TABLE_FILE}
ExecReload=/usr/sbin/nft -f {TABLE_FILE}
ExecStop=/usr/sbin/nft delete table {shut.FAMILY} {shut.TABLE}

[Install]
WantedBy=multi-user.target
"""
_UNIT = f"""[Unit]
Description=Shuts out who tries passwords: counts what Dovecot reports
StartLimitIntervalSec=0

[Service]
Type=exec
ExecStart=/usr/bin/python3 -I -B {DIRECTORY}
Restart=always
RestartSec=1
DynamicUser=yes
StateDirectory={STATE}
StateDirectoryMode=0700
SyslogIdentifier=posthaus-bans
# for nft(8), and ss(8), which ends connections
AmbientCapabilities=CAP_NET_ADMIN
CapabilityBoundingSet=CAP_NET_ADMIN
IPAddressDeny=any
IPAddressAllow=localhost
LimitCORE=0
MemoryMax=256M
ProtectProc=invisible
RestrictAddressFamilies=AF_INET AF_INET6 AF_NETLINK
{SHUT_IN}TasksMax=256
UMask=0077

[Install]
WantedBy=multi-user.target
"""


def packages() -> tuple[str, ...]:
    """What shuts out."""
    return ("nftables", "iproute2")


def configuration(bans: Bans, trusted: tuple[str, ...]) -> dict[str, File]:
    """Every file below DIRECTORY. ``trusted``: networks that are never shut out, besides those that ``bans`` names."""
    return {
        "__main__.py": File(_MAIN),
        **shipping.sources(MODULES),
        "bans.json": File(bans_json(bans, trusted)),
        "table.nft": File(table_nft()),
    }


def bans_json(bans: Bans, trusted: tuple[str, ...]) -> str:
    """What the guard goes by."""
    rules = {
        **{name: getattr(bans, name) for name in ("failures", "within", "span", "longest")},
        "never": [*trusted, *bans.never],
    }
    said = {"port": PORT, "ports": PORTS, "memory": f"/var/lib/{STATE}/memory.json", "rules": rules}
    return json.dumps(said, indent=2) + "\n"


def table_nft() -> str:
    """A table of our own, beside everybody else's; who is shut out stays so when it is read again (nft(8))."""
    table, closed = f"{shut.FAMILY} {shut.TABLE}", ", ".join(map(str, PORTS))
    return f"""{_HEAD}# Who is shut out leaves the sets in time. A reset ends what they have open, and says so at once.
add table {table}
add set {table} v4 {{ type ipv4_addr; flags timeout; }}
add set {table} v6 {{ type ipv6_addr; flags timeout; }}
add chain {table} input {{ type filter hook input priority filter - 10; policy accept; }}
flush chain {table} input
add rule {table} input iif lo accept
add rule {table} input tcp dport {{ {closed} }} ip saddr @v4 counter reject with tcp reset
add rule {table} input tcp dport {{ {closed} }} ip6 saddr & ffff:ffff:ffff:ffff:: @v6 counter reject with tcp reset
"""


def units() -> dict[str, File]:
    """Files below /etc/systemd/system."""
    return {TABLE_UNIT: File(_HEAD + _TABLE), UNIT: File(_HEAD + _UNIT)}


def running() -> str:
    """A shell command that succeeds where the guard answers as Dovecot asks."""
    return probing(probe, port=PORT)
