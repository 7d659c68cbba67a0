"""systemd's units: loaded, enabled, active, and does it run the configuration that lies on disk?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pyinfra.api import QuoteString, StringCommand
from typing_extensions import override

from facts import shell
from facts.many import Asked, Many
from facts.record import Record
from facts.state import tree_state, unit_memory

PROPERTIES = (
    "Id,Names,Type,LoadState,ActiveState,SubState,NeedDaemonReload,MainPID,ControlGroup,"
    "ActiveEnterTimestamp,StateChangeTimestamp"
)
_FUNCTIONS = shell.text("units.sh")
_ENABLED = ("enabled", "enabled-runtime", "static", "alias", "generated", "indirect")


@dataclass(frozen=True)
class Unit(Record):
    """Times are seconds since the epoch, None where there is none.

    ``masked``: systemd may not start it; ``since``: the last start; ``changed_at``: the last start or reload;
    ``read_at``: when it was last seen to run just what lay there, though newer by its times (operations/converge.sh);
    ``newest_reload`` and ``newest_restart``: the newest ctime below the watched paths; ``deleted_exe``: an upgrade
    replaced the program that runs; ``blind``: it sees another file at a path than it should (``sees``); ``unproved``:
    watched trees whose newest files no unit has run with yet; ``watched``: the unit whose times these are.
    """

    loaded: bool = False
    masked: bool = False
    enabled: bool = False
    active: bool = False
    state: str = "inactive (dead)"
    need_daemon_reload: bool = False
    since: float | None = None
    changed_at: float | None = None
    read_at: float | None = None
    newest_reload: float | None = None
    newest_restart: float | None = None
    deleted_exe: bool = False
    blind: bool = False
    unproved: tuple[str, ...] = ()
    watched: str = ""

    @property
    def stale(self) -> bool:
        """Configuration is newer than the unit's last start or reload, or than its last start where that counts."""
        return self.needs_restart or (
            _newer(self.newest_reload, self.changed_at) and _newer(self.newest_reload, self.read_at or 0.0)
        )

    @property
    def needs_restart(self) -> bool:
        """A reload would not be enough."""
        return self.deleted_exe or self.blind or _newer(self.newest_restart, self.since)


def _newer(file: float | None, unit: float | None) -> bool:
    return file is not None and unit is not None and file > unit


class UnitState(Many[Unit]):
    """State of ``unit``.

    ``reload_on`` and ``restart_on`` are paths whose newest change counts. ``instance`` is the unit whose times
    count where the host has it: Debian 12 runs Postfix as ``postfix@-.service`` behind a wrapper. ``trees`` are
    targets of config.tree. ``sees``: a path as the unit's processes see it, and the file that it must be.

    ``pyinfra inventory.py fact facts.units.UnitState unit=dovecot.service``
    """

    default = Unit

    @override
    def requires_command(self, *args: object, **kwargs: object) -> str:
        return "systemctl"

    @override
    def command(
        self,
        unit: str,
        reload_on: list[str] | None = None,
        restart_on: list[str] | None = None,
        instance: str | None = None,
        trees: list[str] | None = None,
        sees: list[str] | None = None,
    ) -> StringCommand:
        return self.alone(
            unit=unit, reload_on=reload_on, restart_on=restart_on, instance=instance, trees=trees, sees=sees
        )

    @override
    @classmethod
    def together(cls, asked: Asked) -> StringCommand:
        units = dict.fromkeys(name for one in asked for name in (one["unit"], one.get("instance")) if name)
        paths = dict.fromkeys(
            path for one in asked for key in ("reload_on", "restart_on") for path in one.get(key) or ()
        )
        paths |= dict.fromkeys(_stamp(one["unit"]) for one in asked if one.get("reload_on"))
        states = dict.fromkeys(_previous(tree) for one in asked for tree in one.get("trees") or ())
        blind = [(name, *one["sees"]) for one in asked if one.get("sees") for name in _either(one)]
        return StringCommand(
            f"{_FUNCTIONS}\n",
            _call("units", PROPERTIES, *units),
            *([_call("newest", *paths)] if paths else ()),
            *([_call("there", *states)] if states else ()),
            *(_call("blind", *one) for one in blind),
            "true",
        )

    @override
    @classmethod
    def apart(cls, asked: Asked, output: list[str]) -> list[Unit]:
        end = output.index("--") if "--" in output else len(output)
        shown, told = _shown(output[:end]), _told(output[end + 1 :])
        return [_unit(one, shown, told) for one in asked]


def _either(one: Mapping[str, Any]) -> tuple[str, ...]:
    """The unit, and the one whose times may count."""
    return (one["unit"], *([one["instance"]] if one.get("instance") else ()))


def _previous(tree: str) -> str:
    """The directory that is there until a unit has run with the newest files of ``tree`` (operations/tree.sh)."""
    return f"{tree_state(tree)}/previous"


def _stamp(unit: str) -> str:
    """The file that is as new as what ``unit`` was last seen to run already."""
    return f"{unit_memory(unit)}/read"


def _call(function: str, *arguments: str) -> StringCommand:
    return StringCommand(function, *(QuoteString(argument) for argument in arguments), "\n")


def _shown(lines: Iterable[str]) -> dict[str, dict[str, str]]:
    """The properties of each unit by each of its names, from what ``systemctl show`` says of one after the other."""
    found: dict[str, dict[str, str]] = {}
    for block in "\n".join(lines).split("\n\n"):
        values = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        found |= dict.fromkeys(values.get("Names", "").split(), values)
    return found


def _told(lines: Iterable[str]) -> dict[tuple[str, str], str]:
    """What units.sh says else: ``(word, what it is about): value``."""
    found = {}
    for line in lines:
        word, _, rest = line.partition(" ")
        about, _, value = rest.partition(" ")
        if word == "newest":
            about, value = value, about
        elif word in ("there", "blind"):
            about, value = rest, "yes"
        found[word, about] = value
    return found


def _unit(one: Mapping[str, Any], shown: Mapping[str, dict[str, str]], told: Mapping[tuple[str, str], str]) -> Unit:
    own = shown.get(one["unit"], {})
    instance = shown.get(one.get("instance") or "", {})
    # A real daemon is its own instance: Debian 13 still ships the template, unused, beside it.
    values = instance if own.get("Type") == "oneshot" and instance.get("LoadState") == "loaded" else own
    name = values.get("Id", "")
    return Unit(
        loaded=values.get("LoadState") == "loaded",
        masked=values.get("LoadState") == "masked",
        enabled=told.get(("boot", own.get("Id", ""))) in _ENABLED,
        active=values.get("ActiveState") in ("active", "reloading"),
        state=f"{values.get('ActiveState', 'inactive')} ({values.get('SubState', 'dead')})",
        need_daemon_reload=values.get("NeedDaemonReload") == "yes",
        since=_seconds(values.get("ActiveEnterTimestamp", "")),
        changed_at=_seconds(values.get("StateChangeTimestamp", "")),
        read_at=_newest(told, [_stamp(one["unit"])]),
        newest_reload=_newest(told, one.get("reload_on")),
        newest_restart=_newest(told, one.get("restart_on")),
        deleted_exe=told.get(("exe", f"/proc/{told.get(('pid', name))}/exe"), "").endswith(" (deleted)"),
        blind=bool(one.get("sees")) and ("blind", name) in told,
        unproved=tuple(tree for tree in one.get("trees") or () if ("there", _previous(tree)) in told),
        watched=name,
    )


def _newest(told: Mapping[tuple[str, str], str], paths: Iterable[str] | None) -> float | None:
    return max((float(told["newest", path]) for path in paths or () if ("newest", path) in told), default=None)


def _seconds(value: str) -> float | None:
    # "Wed 2026-11-25 02:45:12.621145 UTC", or "" and "n/a" where the unit never was in that state
    words = value.split()
    if len(words) != 4:
        return None
    return datetime.fromisoformat(f"{words[1]} {words[2]}").replace(tzinfo=UTC).timestamp()
