"""This machine's own packages: installed only by root, only by apt, and said aloud."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence

from lab.errors import LabError
from lab.progress import step

ENVIRONMENT = {"DEBIAN_FRONTEND": "noninteractive", "NEEDRESTART_MODE": "a"}


def apt_install(packages: Sequence[str]) -> None:
    """Install Debian packages on this machine. Raises LabError where that is not possible or fails."""
    if not packages:
        return
    words = " ".join(packages)
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise LabError(f"Missing on this machine: {words}. Install it, or run this as root on Debian or Ubuntu.")
    with step(f"Installing {words} on this machine"):
        _apt("update")
        _apt("install", "-y", "--no-install-recommends", *packages)


def _apt(*words: str) -> None:
    """One apt-get run, quiet unless it fails. Raises LabError with its last lines."""
    command = ["apt-get", "-qq", "-o", "DPkg::Lock::Timeout=300", *words]
    run = subprocess.run(command, env={**os.environ, **ENVIRONMENT}, capture_output=True, text=True)
    if run.returncode:
        raise LabError(f"{' '.join(command)} failed:\n{(run.stdout + run.stderr)[-1500:]}")
