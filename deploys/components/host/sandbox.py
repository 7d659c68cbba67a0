"""What services need not do they may not: drop-ins for units that the distribution ships open (systemd.exec(5)).

Others' pages may run in the same Apache and PHP, so what those may need stays: they write below /home and /var, and
their messages leave by Postfix's sendmail, which takes its group's rights.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from deploys.components.component import SANDBOX
from operations.file import File

_HEAD = """\
# Written by Posthaus: the next run undoes changes made here. What somebody gets a service to do ends here: no devices,
# no changes of the kernel, its clock or its groups of processes, no other kinds of network, no namespaces.
[Service]
"""
_EVERYWHERE = {
    "LockPersonality": "yes",
    "PrivateDevices": "yes",
    "ProtectClock": "yes",
    "ProtectControlGroups": "yes",
    "ProtectKernelLogs": "yes",
    "ProtectKernelModules": "yes",
    "ProtectKernelTunables": "yes",
    "RestrictAddressFamilies": "AF_UNIX AF_INET AF_INET6 AF_NETLINK",
    "RestrictNamespaces": "yes",
    "RestrictRealtime": "yes",
    "SystemCallArchitectures": "native",
}


def drop_ins(units: Mapping[str, Iterable[str]]) -> dict[str, File]:
    """A file below /etc/systemd/system for each unit, with further lines of its own, ``Name=value``."""
    return {f"{unit}.d/{SANDBOX}": File(_text(more)) for unit, more in units.items()}


def _text(more: Iterable[str]) -> str:
    lines = sorted([*(f"{name}={value}" for name, value in _EVERYWHERE.items()), *more])
    return _HEAD + "".join(f"{line}\n" for line in lines)
