"""What is looked at as numbers, for Prometheus: every metric there is, and the text that it reads."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

# Name without the prefix: (gauge or counter, what it says). No label holds an address of a person, and each has values
# that the host's configuration bounds (docs/decisions/metrics.md).
PREFIX = "posthaus_"
METRICS: Mapping[str, tuple[str, str]] = {
    "severity": ("gauge", "What status.py says of the host: 0 well, 1 something warns, 2 something fails."),
    "checks": ("gauge", "Lines of status.py, by group and verdict."),
    "look_timestamp_seconds": ("gauge", "When the host last looked at itself, in seconds since 1970."),
    "look_duration_seconds": ("gauge", "How long that took."),
    "service_up": ("gauge", "Whether a declared service runs."),
    "services_outdated_libraries": ("gauge", "Services that run a library which an upgrade has replaced."),
    "reboot_required": ("gauge", "Whether a package asks for a reboot."),
    "queue_messages": ("gauge", "Messages in each of Postfix's queues."),
    "queue_oldest_age_seconds": ("gauge", "Age of the oldest message whose turn it is (due), and of the put off."),
    "queue_deferred_recipients": ("gauge", "Recipients that wait, by large providers' reasons; other: no code known."),
    "disk_used_bytes": ("gauge", "Bytes in use on a file system that holds something of the server's."),
    "disk_free_bytes": ("gauge", "Bytes that are free there, to all but root."),
    "disk_used_inodes": ("gauge", "Inodes in use, where the file system counts them."),
    "disk_free_inodes": ("gauge", "Inodes that are free."),
    "disk_full_in_seconds": ("gauge", "When bytes or inodes run out at the pace of the last 30 days; +Inf: never."),
    "mailboxes": ("gauge", "Mailboxes."),
    "mailboxes_full": ("gauge", "Mailboxes above 95 % of their quota."),
    "mailboxes_bytes": ("gauge", "What all mailboxes hold together, as Dovecot counts it."),
    "mailbox_largest_bytes": ("gauge", "What the largest one holds."),
    "mailbox_fullest_ratio": ("gauge", "How full the fullest one is, from 0 to 1 of its quota."),
    "certificate_expiry_timestamp_seconds": ("gauge", "When a certificate ends, in seconds since 1970."),
    "failed_logins": ("gauge", "Wrong passwords and names of the last 24 hours, each attempt counted."),
    "failed_login_addresses": ("gauge", "Addresses from which they came."),
    "banned_addresses": ("gauge", "Addresses that are kept out for wrong logins."),
    "filter_up": ("gauge", "Whether rspamd answers."),
    "filter_scanned_total": ("counter", "Messages scanned since rspamd's start."),
    "filter_messages_total": ("counter", "Messages by what was done with them, since rspamd's start."),
    "filter_learned_total": ("counter", "Messages that rspamd has learned from, ever."),
    "clock_synchronized": ("gauge", "Whether somebody keeps the clock right."),
    "clock_offset_seconds": ("gauge", "How far off it is, where chrony says so."),
    "packages_behind": ("gauge", "Packages of the server's that are older than the archive's."),
    "security_updates": ("gauge", "Security updates that wait."),
    "package_lists_age_seconds": ("gauge", "Age of what apt knows."),
    "endpoint_up": ("gauge", "Whether a program tells its own numbers, which go into a file of their own."),
}


@dataclass(frozen=True)
class Measure:
    """One number: ``name`` is one of METRICS."""

    name: str
    value: float
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Page:
    """Further numbers, as another program tells them: in Prometheus's text format, ``of`` whom."""

    of: str
    text: str


def exposition(measures: Iterable[Measure]) -> str:
    """Prometheus's text format, each metric with its HELP and TYPE, in the order of METRICS."""
    found: dict[str, list[str]] = {name: [] for name in METRICS}
    for one in measures:
        found[one.name].append(f"{PREFIX}{one.name}{_labels(one.labels)} {_value(one.value)}")
    parts = [[*_head(name), *lines] for name, lines in found.items() if lines]
    return "".join(f"{line}\n" for part in parts for line in part)


def _head(name: str) -> tuple[str, str]:
    kind, what = METRICS[name]
    return f"# HELP {PREFIX}{name} {what}", f"# TYPE {PREFIX}{name} {kind}"


def _labels(labels: Mapping[str, str]) -> str:
    said = ",".join(f'{name}="{_quoted(value)}"' for name, value in labels.items())
    return f"{{{said}}}" if said else ""


def _quoted(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _value(number: float) -> str:
    if math.isinf(number):
        return "+Inf" if number > 0 else "-Inf"
    return f"{number:d}" if isinstance(number, int) else f"{number:.15g}"
