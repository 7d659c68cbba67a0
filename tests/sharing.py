"""Which tests one process has to run where several share them."""

from __future__ import annotations

import re

from lab.releases import RELEASES

_RELEASE = re.compile(rf"\[(?:.*-)?({'|'.join(map(re.escape, RELEASES))})(?:-.*)?\]$")


def group(nodeid: str) -> str:
    """The release that a test on a host has among its parameters, ``host`` if none; any other test is alone."""
    if not nodeid.startswith("tests/on_host/"):
        return nodeid
    named = _RELEASE.search(nodeid)
    return named[1] if named else "host"
