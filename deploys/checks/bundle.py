"""The on-host modules as one script for a host's own python3."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

PACKAGE = "deploys.checks.remote"
# In the order of their imports: each is a module under its own name before the next one asks for it.
MODULES = (
    "protocols",
    "signature",
    "messages",
    "unauthenticated",
    "outgoing",
    "webmail",
    "disk",
    "run",
    "vantage",
    "drift",
)

_LOADER = """import json, sys, types
for name, source in {sources!a}:
    module = sys.modules[name] = types.ModuleType(name)
    exec(compile(source, name, "exec"), module.__dict__)
sys.modules["{package}.{task}"].{task}(json.loads({plan}))
"""


def script(task: str = "run", plan: Mapping[str, Any] | None = None) -> str:
    """Python source that does this task (a module, and its function of the same name) by ``plan``; without one, by that
    (JSON) in its first argument. A command line has a limit that the plan of many domains goes beyond."""
    here = Path(__file__).parent / "remote"
    sources = [(f"{PACKAGE}.{module}", (here / f"{module}.py").read_text("utf-8")) for module in MODULES]
    given = "sys.argv[1]" if plan is None else ascii(json.dumps(plan))
    return _LOADER.format(sources=sources, package=PACKAGE, task=task, plan=given)
