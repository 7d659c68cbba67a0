"""Is the firewall that is declared the one in the kernel?"""

from __future__ import annotations

from deploys.result import CONVERGE, Check, CheckResult
from facts.firewall import TABLE, Loaded

ABOUT = Check("firewall.loaded", "listeners", "firewall", "as it was loaded, open to declared ports alone")


def results(loaded: Loaded) -> list[CheckResult]:
    """One result; a unit that once loaded the rules says nothing of what others did to the kernel's table since."""
    if not loaded.table:
        return [ABOUT.result("its table is not in the kernel", False, CONVERGE)]
    if not loaded.as_loaded:
        return [ABOUT.result("somebody changed its rules in the kernel", False, f"nft list table {TABLE}; {CONVERGE}")]
    return [ABOUT.result("as loaded", True)]
