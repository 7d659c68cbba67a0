"""Room on the disks, and for how long it will do: by samples that the daily run keeps."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from deploys.components.watch.program.amounts import DAY, HOUR, size
from deploys.components.watch.program.measures import Measure
from deploys.result import Check, CheckResult

GROUP = "disks"
FULL, WARN = 97, 90  # per cent
SOON = 14  # days
LEAST = 20 * HOUR  # between samples that say anything of days
KEPT = 30  # samples, one a day
ROOM = "find what fills it: du -xh {at} | sort -h | tail; deploys/mailboxes.py for mail; else a larger disk"
INODES = "find the many small files: du -x --inodes {at} | sort -n | tail"
Samples = Sequence[tuple[float, Mapping[str, tuple[int, int]]]]  # when, and of each mount point: bytes, inodes used


@dataclass(frozen=True)
class Disk:
    """One file system: where it is mounted, bytes ``used`` and ``free`` for all but root, and inodes likewise."""

    at: str
    used: int
    free: int
    inodes_used: int
    inodes_free: int


def disks(paths: Iterable[str], samples: str) -> Iterator[CheckResult | Measure]:
    """Two results for each file system that holds some of ``paths``. ``samples``: the file of earlier days."""
    known, now = read(Path(samples)), time.time()
    for disk in found(paths):
        yield from results(disk, known, now)
        yield from measures(disk, known, now)


def found(paths: Iterable[str]) -> list[Disk]:
    """The file systems below those ``paths`` that are there, each once."""
    seen: dict[int, str] = {}
    for path in paths:
        if os.path.exists(path):
            seen.setdefault(os.stat(path).st_dev, _mount(path))
    return [_disk(at) for at in seen.values()]


def _mount(path: str) -> str:
    while not os.path.ismount(path):
        path = os.path.dirname(path)
    return path


def _disk(at: str) -> Disk:
    told = os.statvfs(at)
    used = (told.f_blocks - told.f_bfree) * told.f_frsize
    return Disk(at, used, told.f_bavail * told.f_frsize, told.f_files - told.f_ffree, told.f_favail)


def results(disk: Disk, samples: Samples, now: float) -> Iterator[CheckResult]:
    """Of bytes, and of inodes where the file system counts them."""
    left, inodes_left = lasts(disk, samples, now)
    amounts = f"{size(disk.used)} of {size(disk.used + disk.free)}"
    yield _result(f"disks.bytes.{disk.at}", f"room on {disk.at}", amounts, disk.used, disk.free, left, ROOM, disk.at)
    if disk.inodes_used + disk.inodes_free > 0:
        amounts = f"{disk.inodes_used:,} of {disk.inodes_used + disk.inodes_free:,}"
        parts = (disk.inodes_used, disk.inodes_free, inodes_left, INODES, disk.at)
        yield _result(f"disks.inodes.{disk.at}", f"inodes on {disk.at}", amounts, *parts)


def lasts(disk: Disk, samples: Samples, now: float) -> tuple[float | None, float | None]:
    """The days left of bytes, and of inodes (``days``)."""
    earlier = [(at, *used[disk.at]) for at, used in samples if disk.at in used]
    return (
        days(disk.free, disk.used, [(at, bytes_used) for at, bytes_used, _ in earlier], now),
        days(disk.inodes_free, disk.inodes_used, [(at, inodes) for at, _, inodes in earlier], now),
    )


def measures(disk: Disk, samples: Samples, now: float) -> Iterator[Measure]:
    """The same as numbers; when it is full only where that is known."""
    at = {"mountpoint": disk.at}
    yield Measure("disk_used_bytes", disk.used, at)
    yield Measure("disk_free_bytes", disk.free, at)
    counts = disk.inodes_used + disk.inodes_free > 0
    if counts:
        yield Measure("disk_used_inodes", disk.inodes_used, at)
        yield Measure("disk_free_inodes", disk.inodes_free, at)
    for of, left in zip(("bytes", "inodes"), lasts(disk, samples, now), strict=True):
        if left is not None and (counts or of == "bytes"):
            yield Measure("disk_full_in_seconds", left * DAY, {**at, "of": of})


def _result(
    key: str, what: str, amounts: str, used: int, free: int, left: float | None, remedy: str, at: str
) -> CheckResult:
    full = 100 * used / max(1, used + free)
    about = Check(key, GROUP, what, f"below {WARN} %")
    seen = f"{full:.0f} % ({amounts}), {lasting(left)}"
    bad = full > WARN or (left is not None and left < SOON)
    return about.result(seen, full <= FULL, remedy.format(at=at) if bad else "")


def days(free: int, used: int, earlier: Sequence[tuple[float, int]], now: float) -> float | None:
    """For how many days ``free`` will do if it goes on as since the first of the ``earlier`` samples; None: unknown,
    for want of two that are most of a day apart. Infinite where it does not fill."""
    first = earlier[0] if earlier else (now, used)
    if now - first[0] < LEAST:
        return None
    a_day = (used - first[1]) / (now - first[0]) * DAY
    return free / a_day if a_day > 0 else float("inf")


def lasting(left: float | None) -> str:
    """``12 days left``; more than a year is as good as for ever."""
    if left is None:
        return "days left: unknown yet"
    return f"{left:.0f} days left" if left <= 366 else "more than a year left"


def read(path: Path) -> Samples:
    """The samples in a file, none where there is none that can be read."""
    try:
        told = json.loads(path.read_text("utf-8"))
        return [(float(at), {str(one): (int(a), int(b)) for one, (a, b) in used.items()}) for at, used in told]
    except (OSError, ValueError, TypeError, AttributeError):
        return []


def with_today(samples: Samples, disks: Iterable[Disk], now: float) -> Samples:
    """``samples`` with one of ``now``, unless the last is of the same day; the oldest go."""
    if samples and 0 <= now - samples[-1][0] < LEAST:
        return samples
    past = [one for one in samples if one[0] < now]
    return [*past, (now, {one.at: (one.used, one.inodes_used) for one in disks})][-KEPT:]
