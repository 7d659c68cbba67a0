"""What a mail server needs of a host, said as sentences about what stands in the way. Pure: no host, no clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from deploys.components.component import Component
from deploys.components.dovecot.render import SERIES
from deploys.values.releases import RELEASES, SUPPORTED
from facts.listeners import Socket
from facts.machine import MachineState

FREE_KIB = 1 << 20
CLOCK_SECONDS = 300


def problems(
    machine: MachineState, listeners: Iterable[Socket], parts: Sequence[Component], firewall: str | bool = False
) -> list[str]:
    """Everything that stands in the way, each with its remedy; an empty list lets the run begin.

    ``firewall``: as declared.
    """
    return [
        *_release(machine, {name: version for part in parts for name, version in part.oldest.items()}),
        *_system(machine),
        *_other_mail_servers(machine),
        *_taken_ports(listeners, parts),
        *_space(machine),
        *_clock(machine),
        *_firewalls(machine, firewall),
    ]


def access_problems(machine: MachineState, sudo: bool, password: bool) -> list[str]:
    """Why the run cannot act as root: ``sudo`` and ``password`` tell what the inventory declares."""
    if machine.uid == 0 or (sudo and machine.sudo == "works"):
        return []
    who = f"the login {machine.login!r} is not root"
    if machine.sudo == "missing":
        return [f"{who} and sudo is not installed: log in as root, or install sudo and let {machine.login} use it"]
    if not sudo:
        return [f"{who} and sudo is not asked for: give the host `_sudo: True` in the inventory, or log in as root"]
    if not password:
        return [
            f"{who} and sudo asks for a password (or does not know {machine.login}): give the host `_sudo_password` in "
            f"the inventory, or allow {machine.login} NOPASSWD in the host's sudoers"
        ]
    return []


def _release(machine: MachineState, oldest: Mapping[str, tuple[int, ...]]) -> list[str]:
    if machine.version in SUPPORTED.get(machine.distribution, ()):
        missing = lacks(machine, oldest)
        return [
            f"{machine.title}: {lack}; are its package sources complete and reachable (apt-get update)?"
            for lack in missing
        ]
    if not machine.architecture:
        return [f"{machine.title or 'this system'} has no dpkg: Posthaus serves {RELEASES}"]
    # A release nobody has tried is refused by what it lacks, not by its name.
    return [f"{machine.title} is not among the releases served ({RELEASES}): {lack}" for lack in lacks(machine, oldest)]


def lacks(machine: MachineState, versions: Mapping[str, tuple[int, ...]]) -> list[str]:
    """What a host has or would get that is too old, or not there at all; ``versions``: the oldest that will do."""
    found = []
    if not machine.dovecot_series:
        found.append("apt knows no dovecot-core")
    elif machine.dovecot_series not in SERIES:
        found.append(f"its Dovecot is {machine.dovecot_series}, we write configuration for {' and '.join(SERIES)}")
    for package, oldest in versions.items():
        version = machine.version_of(package)
        if version is None:
            found.append(f"apt knows no {package}")
        elif tuple(int(part) for part in version.split(".")) < oldest:
            found.append(f"its {package} is {version}, {'.'.join(map(str, oldest))} is the oldest that will do")
    return found


def _system(machine: MachineState) -> list[str]:
    if machine.pid1 == "systemd":
        return []
    return [f"process 1 is {machine.pid1}, not systemd: use a virtual machine, or a container that boots systemd"]


def _other_mail_servers(machine: MachineState) -> list[str]:
    return [
        f"{mta}, another mail server, is installed: if nothing needs it, remove it with `apt-get purge {mta}`"
        for mta in machine.mtas
    ]


def _taken_ports(listeners: Iterable[Socket], parts: Sequence[Component]) -> list[str]:
    ports = {listener.port: part.name for part in parts for listener in part.listens}
    ours = {process for part in parts for process in part.processes}
    taken: dict[str, set[int]] = {}
    for one in listeners:
        if one.protocol == "tcp" and one.port in ports and one.process not in ours:
            taken.setdefault(_holder(one), set()).add(one.port)
    return [_taken(holder, sorted(numbers), ports) for holder, numbers in sorted(taken.items())]


def _holder(one: Socket) -> str:
    """Who it is, and the remedy that its being a unit or not asks for."""
    if one.process is None:
        return "an unknown process. `ss -lntp` as root names it"
    if one.unit is None:
        return f"{one.process} (process {one.pid}), which no unit started. End it, and whatever starts it"
    return f"{one.process} (process {one.pid}). `systemctl disable --now {one.unit}` frees it, if nothing needs it"


def _taken(holder: str, taken: list[int], ports: Mapping[int, str]) -> str:
    numbers = f"port{'s' if len(taken) > 1 else ''} {', '.join(map(str, taken))}"
    needing = " and ".join(sorted({ports[port] for port in taken}))
    elsewhere = "; or let the webmail be elsewhere: `webmail: {port: 8443}`, or `webmail: false`"
    return f"{numbers}, which {needing} needs: held by {holder}{elsewhere if needing == 'Apache' else ''}"


def _space(machine: MachineState) -> list[str]:
    return [
        f"only {free >> 10} MiB free below {path}, {FREE_KIB >> 10} MiB are needed: make room or grow the file system"
        for path, free in machine.free.items()
        if free < FREE_KIB
    ]


def _clock(machine: MachineState) -> list[str]:
    if abs(machine.clock_offset) <= CLOCK_SECONDS:
        return []
    way = "ahead of" if machine.clock_offset > 0 else "behind"
    return [
        f"its clock is {abs(machine.clock_offset)} seconds {way} the workstation's: set the wrong one right "
        "(`timedatectl set-ntp true`), or certificates and dates on messages will be wrong"
    ]


def _firewalls(machine: MachineState, declared: str | bool) -> list[str]:
    """Two that shut ports make a host that nobody understands; one that is not there opens nothing."""
    if declared == "ufw":
        if "ufw" in machine.firewalls:
            return []
        return [
            "firewall is ufw, which is not active: `ufw allow OpenSSH` and `ufw enable`, or write firewall: nftables"
        ]
    if not declared:
        return []
    wanted = {"ufw": "write firewall: ufw, or `ufw disable`", "firewalld": "`systemctl disable --now firewalld`"}
    if declared == "nftables" and not machine.may_filter:
        return [
            "firewall is nftables, and whoever runs this container gave it no right to filter packets: start it with"
            " --cap-add NET_ADMIN, or write firewall: false where something in front of it keeps ports shut"
        ]
    return [
        f"{one} is active, and firewall is {declared}: {wanted.get(one)}, or leave it to {one} (firewall: false)"
        for one in machine.firewalls
    ]


def another_run(machine: MachineState) -> list[str]:
    """The run of Posthaus that is under way on the host, and how it is ended if it hangs."""
    if not machine.run:
        return []
    process, since, who = machine.run
    return [
        f"another run of Posthaus is under way: {who}, since {datetime.fromtimestamp(since, UTC):%H:%M:%S} UTC; wait"
        f" for it, or end it: `kill {process}` there"
    ]
