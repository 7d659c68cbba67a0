"""One systemd unit: loaded, enabled, active, and does it run the configuration that lies on disk?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from pyinfra.api import FactBase, QuoteString, StringCommand
from typing_extensions import override

from operations.state import tree_state

PROPERTIES = (
    "Id,LoadState,ActiveState,SubState,UnitFileState,NeedDaemonReload,MainPID,ActiveEnterTimestamp,StateChangeTimestamp"
)


# Debian 12's postfix@- names no main process: the first of its control group is the master.
_PROCESS = """p=$(systemctl show -p MainPID --value -- "$w");
[ "$p" != 0 ] || p=$(head -qn 1 "/sys/fs/cgroup/$(systemctl show -p ControlGroup --value -- "$w")/cgroup.procs" \
  "/sys/fs/cgroup/systemd$(systemctl show -p ControlGroup --value -- "$w")/cgroup.procs" 2>/dev/null | head -n 1);"""


@dataclass(frozen=True)
class Unit:
    """Times are seconds since the epoch, None where there is none.

    ``since``: the last start; ``changed_at``: the last start or reload; ``newest_reload`` and ``newest_restart``: the
    newest ctime below the watched paths; ``deleted_exe``: an upgrade replaced the program that runs; ``blind``: it
    sees another file at a path than it should (``sees``); ``unproved``: watched trees whose newest files no unit has
    run with yet; ``watched``: the unit whose times these are.
    """

    loaded: bool = False
    enabled: bool = False
    active: bool = False
    state: str = "inactive (dead)"
    need_daemon_reload: bool = False
    since: float | None = None
    changed_at: float | None = None
    newest_reload: float | None = None
    newest_restart: float | None = None
    deleted_exe: bool = False
    blind: bool = False
    unproved: tuple[str, ...] = ()
    watched: str = ""

    @property
    def stale(self) -> bool:
        """Configuration is newer than the unit's last start or reload, or than its last start where that counts."""
        return self.needs_restart or _newer(self.newest_reload, self.changed_at)

    @property
    def needs_restart(self) -> bool:
        """A reload would not be enough."""
        return self.deleted_exe or self.blind or _newer(self.newest_restart, self.since)


def _newer(file: float | None, unit: float | None) -> bool:
    return file is not None and unit is not None and file > unit


class UnitState(FactBase[Unit]):
    """State of ``unit`` in one command.

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
        return StringCommand(
            _assign("u", unit),
            _assign("w", instance or unit),
            # A real daemon is its own instance: Debian 13 still ships the template, unused, beside it.
            '[ "$(systemctl show -p Type --value -- "$u")" = oneshot ] || w=$u;',
            '[ "$(systemctl show -p LoadState --value -- "$w")" = loaded ] || w=$u;',
            f'systemctl show --timestamp=us+utc -p {PROPERTIES} -- "$w";',
            'echo "Boot=$(systemctl is-enabled -- "$u" 2>/dev/null)";',
            _PROCESS,
            'echo "Exe=$(readlink "/proc/$p/exe")";',
            *_newest("Reload", reload_on),
            *_newest("Restart", restart_on),
            *_unproved(trees or []),
            *_blind(sees),
            "true",
        )

    @override
    def process(self, output: list[str]) -> Unit:
        pairs = [line.split("=", 1) for line in output if "=" in line]
        values = dict(pairs)
        return Unit(
            loaded=values.get("LoadState") == "loaded",
            enabled=values.get("Boot") in ("enabled", "enabled-runtime", "static", "alias", "generated", "indirect"),
            active=values.get("ActiveState") in ("active", "reloading"),
            state=f"{values.get('ActiveState', 'inactive')} ({values.get('SubState', 'dead')})",
            need_daemon_reload=values.get("NeedDaemonReload") == "yes",
            since=_seconds(values.get("ActiveEnterTimestamp", "")),
            changed_at=_seconds(values.get("StateChangeTimestamp", "")),
            newest_reload=float(values["Reload"]) if values.get("Reload") else None,
            newest_restart=float(values["Restart"]) if values.get("Restart") else None,
            deleted_exe=values.get("Exe", "").endswith(" (deleted)"),
            blind="Blind" in values,
            unproved=tuple(value for key, value in pairs if key == "Unproved"),
            watched=values.get("Id", ""),
        )


def _assign(variable: str, value: str) -> StringCommand:
    return StringCommand(f"{variable}=", QuoteString(value), ";", _separator="")


def _newest(word: str, paths: Iterable[str] | None) -> list[str | StringCommand | QuoteString]:
    if not paths:
        return []
    quoted = [QuoteString(path) for path in paths]
    return [f"echo {word}=$(find", *quoted, "-printf '%C@\\n' 2>/dev/null | sort -n | tail -n 1);"]


def _unproved(trees: list[str]) -> list[StringCommand]:
    return [
        StringCommand(
            "[ ! -d",
            QuoteString(f"{tree_state(tree)}/previous"),
            "] || echo",
            QuoteString(f"Unproved={tree}"),
            ";",
        )
        for tree in trees
    ]


def _blind(sees: list[str] | None) -> list[str | StringCommand | QuoteString]:
    if not sees:
        return []
    inside = StringCommand('[ -z "$p" ] || [ ! -e', QuoteString(sees[1]), "] || cmp -s")
    there = StringCommand('"/proc/$p/root"', QuoteString(sees[0]), _separator="")
    return [inside, there, QuoteString(sees[1]), "|| echo Blind=yes;"]


def _seconds(value: str) -> float | None:
    # "Wed 2026-11-25 02:45:12.621145 UTC", or "" and "n/a" where the unit never was in that state
    words = value.split()
    if len(words) != 4:
        return None
    return datetime.fromisoformat(f"{words[1]} {words[2]}").replace(tzinfo=UTC).timestamp()
