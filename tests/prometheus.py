"""What monitoring/ asks of a Prometheus; and promtool, by which one says what it makes of metrics and rules."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from typing import Any

import pytest
import yaml

from tests.settings import ROOT

MONITORING = ROOT / "monitoring"
RULES: list[dict[str, Any]] = yaml.safe_load((MONITORING / "posthaus.rules.yaml").read_text("utf-8"))["groups"][0][
    "rules"
]
DASHBOARD: dict[str, Any] = json.loads((MONITORING / "posthaus.dashboard.json").read_text("utf-8"))
SHOWN: list[str] = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]
ASKED: list[str] = [*SHOWN, *(rule["expr"] for rule in RULES)]


def metrics(expression: str) -> set[str]:
    """The names of metrics in a PromQL expression: of ours, Dovecot's, rspamd's and node_exporter's."""
    return set(re.findall(r"\b(?:posthaus|dovecot|rspamd|node)_\w+", expression))


def promtool(*arguments: str, input: str | None = None) -> subprocess.CompletedProcess[str]:
    """What it says; where it is not installed, the test is skipped aloud."""
    path = shutil.which("promtool")
    if not path:
        pytest.skip("promtool is not installed (package prometheus)")
    return subprocess.run([path, *arguments], input=input, capture_output=True, text=True, cwd=MONITORING, check=False)
