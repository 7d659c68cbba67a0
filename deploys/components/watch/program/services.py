"""Whether the declared units run, and whether what runs is what lies on the disk."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from deploys.components.watch.program.measures import Measure
from deploys.components.watch.program.shell import said
from deploys.result import CONVERGE, Check, CheckResult

GROUP = "services"
PROPERTIES = "Names,Type,LoadState,ActiveState,SubState,UnitFileState,ActiveEnterTimestamp"
# What is mapped to be run, from where libraries lie, by a name that the disk no longer has for it (proc_pid_maps(5)).
_REPLACED = re.compile(r"^\S+ ..x. .* (/(?:usr/)?lib\S*\.so[.0-9]*) \(deleted\)$", re.MULTILINE)
REBOOT = Path("/run/reboot-required")  # written by packages' own scripts, on Debian and Ubuntu
RUNS = ("active", "reloading")
AT_BOOT = ("enabled", "enabled-runtime", "static", "alias", "generated", "indirect")


def running(units: Sequence[Sequence[str]]) -> Iterator[CheckResult | Measure]:
    """A result for each of ``units``: [its name, the instance whose state counts where it is a wrapper's, or ""]."""
    names = [name for pair in units for name in pair if name]
    shown = properties(said("systemctl", "show", "--property", PROPERTIES, *names, check=False))
    for name, instance in units:
        own = shown.get(name, {})
        real = shown.get(instance, {}) if own.get("Type") == "oneshot" else {}
        counts = real if real.get("LoadState") == "loaded" else own
        yield of_unit(name, own, counts)
        yield Measure("service_up", int(counts.get("ActiveState") in RUNS), {"service": _stem(name)})


def properties(text: str) -> dict[str, dict[str, str]]:
    """Each unit's by each of its names, from what ``systemctl show`` says of several."""
    found: dict[str, dict[str, str]] = {}
    for block in text.split("\n\n"):
        values = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        found |= dict.fromkeys(values.get("Names", "").split(), values)
    return found


def of_unit(name: str, own: dict[str, str], counts: dict[str, str]) -> CheckResult:
    """``own``: what systemd says of it; ``counts``: of the unit that does its work."""
    about = Check(f"services.{_stem(name)}", GROUP, name, "runs")
    if own.get("LoadState") != "loaded":
        masked = own.get("LoadState") == "masked"
        remedy = f"systemctl unmask {name}, then {CONVERGE}" if masked else CONVERGE
        return about.result("masked" if masked else "no such unit", False, remedy)
    state = f"{counts.get('ActiveState')} ({counts.get('SubState')})"
    if counts.get("ActiveState") not in RUNS:
        return about.result(state, False, f"systemctl start {name}; why: journalctl -u {name} -n 30")
    if own.get("UnitFileState") not in AT_BOOT:
        remedy = f"systemctl enable {name}: it would not come back after a reboot"
        return about.result(f"{state}, {own.get('UnitFileState') or 'not enabled'}", True, remedy)
    return about.result(f"{state} since {' '.join(counts.get('ActiveEnterTimestamp', '').split()[1:])}", True)


def _stem(unit: str) -> str:
    """PHP's unit has the release's version in its name, its key has not."""
    return re.sub(r"^php[0-9.]+-", "php-", re.sub(r"\.(service|socket|path)$", "", unit))


def libraries(units: Sequence[Sequence[str]]) -> Iterator[CheckResult | Measure]:
    """Whether a service still runs libraries that an upgrade has replaced. ``units``: as for ``running``."""
    names = {one: name for name, instance in units for one in (name, instance) if one}
    about = Check("services.libraries", GROUP, "libraries in use", "those on the disk")
    old: dict[str, set[str]] = {}
    for unit, found in replaced(Path("/proc")):
        if unit in names:
            old.setdefault(names[unit], set()).update(found)
    yield Measure("services_outdated_libraries", len(old))
    if not old:
        yield about.result("those on the disk", True)
        return
    what = ", ".join(sorted({one for found in old.values() for one in found})[:4])
    who = " ".join(name.removesuffix(".service") for name in sorted(old))
    yield about.result(f"{who.replace(' ', ', ')}: replaced by an upgrade: {what}", True, f"systemctl restart {who}")


def replaced(processes: Path) -> Iterator[tuple[str, set[str]]]:
    """``(unit, names of libraries)`` of each process that runs some which are no longer there."""
    for process in processes.glob("[0-9]*"):
        try:
            found = {path.rpartition("/")[2] for path in _REPLACED.findall((process / "maps").read_text("utf-8"))}
            if found:
                yield from ((unit, found) for unit in _units((process / "cgroup").read_text("utf-8").splitlines()))
        except (OSError, ValueError):  # it has ended meanwhile
            continue


def _units(lines: Iterable[str]) -> list[str]:
    """The services in the path of a control group, such as ``0::/system.slice/dovecot.service``."""
    return [part for line in lines for part in line.split("/") if part.endswith(".service")]


def reboot() -> Iterator[CheckResult | Measure]:
    """Whether a package has asked for a reboot."""
    yield Measure("reboot_required", int(REBOOT.exists()))
    about = Check("services.reboot", GROUP, "reboot", "not asked for")
    if not REBOOT.exists():
        yield about.result("not asked for", True)
        return
    asking = Path(f"{REBOOT}.pkgs")
    who = ", ".join(sorted(set(asking.read_text("utf-8").split()))) if asking.exists() else "a package"
    yield about.result(
        f"asked for by {who}", True, "systemctl reboot, at an hour of few; mail waits where it comes from"
    )
