"""Whether a host is ready for an upgrade of its release: package sources, dpkg, room, last backup. Pure: no host."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from deploys.preflight.needs import FREE_KIB
from deploys.result import Check, CheckResult
from deploys.upgrading.seen import Seen
from facts.upgrade import UpgradeState

BACKUP = "pyinfra inventory.py deploys/backup.py makes one now"
BOOT_KIB = 300 << 10  # what Debian 13's release notes want to be free where /boot is a file system of its own


def sources(seen: Seen, release: str) -> Iterator[CheckResult]:
    """Whether the host's package sources lead to ``release`` (the codename of the one that follows)."""
    upgrade, now = seen.upgrade, seen.now.codename
    about = Check("packages.sources", "packages", "the new release's sources", "reached")
    if upgrade.unreachable:
        remedy = "disable the sources of others until the upgrade is over, or see that these are reached"
        yield about.result(upgrade.unreachable[0], False, remedy)
    elif release not in upgrade.reached:
        yield about.result(
            f"none is of {release}", False, f"those of the distribution have to name {now}: {now} becomes {release}"
        )
    else:
        yield about.result("reached", True)
    # "stable" and "oldstable" are other releases from one day to the next
    odd = [one for one in upgrade.suites if one.partition("-")[0] not in (now, release)]
    if odd:
        about = Check("packages.suites", "packages", "the present release's sources", f"name {now}")
        remedy = f"write {now}: that name, and no other, is replaced when you upgrade"
        yield about.result(", ".join(odd), False, remedy)


def host(seen: Seen) -> Iterator[CheckResult]:
    """Whether room, packages and sources are as an upgrade wants them."""
    upgrade = seen.upgrade
    yield from _space(upgrade)
    half = Check("host.unfinished", "host", "packages that dpkg left half way", "none")
    yield half.result(
        ", ".join(seen.now.unfinished) or "none", not seen.now.unfinished, "" if not seen.now.unfinished else
        "dpkg --force-confold --configure -a; apt-get --fix-broken install",
    )  # fmt: skip
    behind = Check("host.behind", "host", "updates of the present release", "all installed")
    yield behind.result(
        f"{upgrade.behind} wait" if upgrade.behind else "all installed", True,
        "install them first: apt-get update; apt-get full-upgrade" if upgrade.behind else "",
    )  # fmt: skip
    held = Check("host.held", "host", "packages on hold", "none")
    yield held.result(
        ", ".join(upgrade.held) or "none", True,
        "they stay old, and may keep others back: apt-mark unhold NAME" if upgrade.held else "",
    )  # fmt: skip
    others = Check("host.sources", "host", "package sources of others", "none")
    yield others.result(
        ", ".join(upgrade.origins) or "none", True,
        "disable them until the upgrade is over: " + "; ".join(sum(upgrade.origins.values(), ())) if upgrade.origins
        else "",
    )  # fmt: skip


def _space(upgrade: UpgradeState) -> Iterator[CheckResult]:
    """Beside what any run wants to be free."""
    need: Counter[str] = Counter()
    where: dict[str, list[str]] = {}
    wants = {"/": 0, "/usr": (upgrade.grows or 0) >> 10, "/var": (upgrade.download or 0) >> 10}
    if upgrade.kernel and any(name.startswith("linux-image-") for name in upgrade.installs):
        wants["/boot"] = upgrade.kernel
    for path, kib in wants.items():
        device = upgrade.free.get(path, (0, path))[1]
        need[device] += kib
        where.setdefault(device, []).append(path)
    for device, kib in need.items():
        path = where[device][0]
        needed = kib + (FREE_KIB if path != "/boot" else 0)
        free = upgrade.free.get(path, (0, ""))[0]
        about = Check(f"host.space.{path}", "host", f"room in {' and '.join(where[device])}", f"{needed >> 10} MiB")
        remedy = "" if free >= needed else "make room or grow the file system"
        if path == "/boot" and needed <= free < BOOT_KIB:
            remedy = f"Debian's release notes want {BOOT_KIB >> 10} MiB: take away old kernels (apt-get autoremove)"
        yield about.result(f"{free >> 10} MiB", free >= needed, remedy)


def mail(seen: Seen) -> Iterator[CheckResult]:
    """What waits in the queue, and whether there is a way back."""
    queue = Check("mail.queue", "mail", "messages in the queue", "none, or known")
    wait = f"{seen.queue:,} wait" if seen.queue else "none"
    yield queue.result(wait, True, "they stay in it; which, and why: postqueue -p" if seen.queue else "")
    kept = [one for one in seen.watched if one.key == "backup.last"]
    if not kept:
        about = Check("backup.last", "mail", "last backup", "within a day")
        yield about.result("mail.yaml declares none", True, "without one there is no way back: docs/backup.md")
    for one in kept:
        fine = one.ok and not one.remedy
        yield replace(one, group="mail", ok=True if fine else False, remedy="" if fine else BACKUP)  # noqa: SIM210
