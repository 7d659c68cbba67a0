"""Run the first components alone on a host of the lab."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from lab import pyinfra, site
from lab.mailhost import MailHost
from lab.pyinfra import Run
from tests.on_host.settings import example

DEPLOY = "tests/on_host/deploys/foundation.py"


def run_foundation(directory: Path, *hosts: MailHost, options: tuple[str, ...] = (), **settings: Any) -> Run:
    """Run tests/on_host/deploys/foundation.py with ``settings`` on ``hosts``; ``directory`` gets their site."""
    where = site.write(directory, [host.entry for host in hosts], example())
    return pyinfra.pyinfra(where, DEPLOY, "-y", "--json", *options, environment={"POSTHAUS_TEST": json.dumps(settings)})
