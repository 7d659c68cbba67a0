"""An upgrade of packages, or of the whole release, that is not over. Pure: no host."""

from __future__ import annotations

import re
from collections.abc import Collection

from deploys.values.releases import CODENAMES
from facts.machine import MachineState

MEND = "`dpkg --force-confold --configure -a`, `apt-get --fix-broken install`, `apt-get full-upgrade`"
PAGE = "docs/upgrading.md"
_UPGRADES = re.compile(r"\b(full-upgrade|dist-upgrade|do-release-upgrade)\b")
_NAMED = 3


def unfinished_problems(machine: MachineState, lacking: Collection[str] = ()) -> list[str]:
    """What makes a run wait for somebody: half of the programs are of one release, half of the other.

    ``lacking``: the packages that apt would have to install before those that lie there half way can be set up. What
    only has to be set up, or unpacked once more, is no obstacle: the run does so.
    """
    return _at_work(machine) or [*_stopped(machine, lacking), *_not_begun(machine)]


def _at_work(machine: MachineState) -> list[str]:
    process, command = machine.packaging or (0, "")
    if not _UPGRADES.search(command):
        return []
    return [f"`{command}` (process {process}) is upgrading this host: wait until it has ended, then run again ({PAGE})"]


def _stopped(machine: MachineState, lacking: Collection[str]) -> list[str]:
    names = sorted(set(lacking) - set(machine.unfinished))
    if not names:
        return []
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return [
        f"an upgrade of its packages stopped half way: not set up: {len(machine.unfinished)} of them; still to be"
        f" installed: {', '.join(names[:_NAMED])}{more}. As root there: {MEND}; then run again ({PAGE})"
    ]


def _not_begun(machine: MachineState) -> list[str]:
    """Package sources are another release's: whatever is installed now would bring half of that along."""
    names = {suite.partition("-")[0] for suite in machine.suites}
    versions = list(CODENAMES.get(machine.distribution, {}).items())
    places = [number for number, (_, name) in enumerate(versions) if name == machine.codename]
    later = [name for _, name in versions[places[0] + 1 :]] if places else []
    others = [name for name in later if name in names]
    if not others or machine.codename in names:
        return []
    return [
        f"its package sources are those of {others[0]}, and it is {machine.codename} still: finish the upgrade"
        f" (`apt-get update`, `apt-get full-upgrade`; {PAGE}), or put the sources back"
    ]
