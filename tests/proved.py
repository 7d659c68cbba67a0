"""In CI a test that could not run is a test that failed, unless nobody could have run it there."""

from __future__ import annotations

import re
from collections.abc import Mapping

# What GitHub's machines, and others without a way to registries or to GitHub, may lack.
ALLOWED = (
    r"^ubuntu:[\w.]+ not reachable here",  # the registry of real Ubuntu images
    r"^SquirrelMail's source cannot be had here",
    r"^this engine gives every host IPv6",  # a matter of the engine, not of something that could be installed
)


def in_ci(environment: Mapping[str, str]) -> bool:
    """Whether this run is one of CI's."""
    return environment.get("CI", "").lower() in ("true", "1")


def unproved(reason: str, environment: Mapping[str, str]) -> bool:
    """Whether a test that was skipped for ``reason`` counts as failed: in CI (the variable CI), unless it may be.

    POSTHAUS_NO_PACKAGE names what the machine's archive does not have (.ci/run asks it); that may be missing.
    """
    if not in_ci(environment):
        return False
    missing = environment.get("POSTHAUS_NO_PACKAGE", "").split()
    return not any(re.search(pattern, reason) for pattern in ALLOWED) and not any(
        re.search(rf"\b{re.escape(package)}\b", reason) for package in missing
    )
