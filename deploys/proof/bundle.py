"""The on-host modules as one script for a host's own python3."""

from __future__ import annotations

from pathlib import Path

PACKAGE = "deploys.proof.on_host"
# In the order of their imports: each is a module under its own name before the next one asks for it.
MODULES = ("doors", "signature", "letters", "stranger", "outgoing", "webmail", "examine", "witness")

_LOADER = """import json, sys, types
for name, source in {sources!a}:
    module = sys.modules[name] = types.ModuleType(name)
    exec(compile(source, name, "exec"), module.__dict__)
sys.modules["{package}.{task}"].{task}(json.loads(sys.argv[1]))
"""


def script(task: str = "examine") -> str:
    """Python source that does this task (a module, and its function of the same name) by the plan (JSON) in its first
    argument."""
    here = Path(__file__).parent / "on_host"
    sources = [(f"{PACKAGE}.{module}", (here / f"{module}.py").read_text("utf-8")) for module in MODULES]
    return _LOADER.format(sources=sources, package=PACKAGE, task=task)
