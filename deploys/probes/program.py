"""A component's probe as one shell command for unit.converge."""

from __future__ import annotations

import inspect
import shlex
import sys
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from deploys.probes import talk

MOST_NAMES = 10  # of those with certificates of their own, each a handshake: a probe has ten seconds
# Modules by their names, before the last of them is asked for its probe.
_LOADER = """import sys, types
for name, source in {sources!a}:
    module = sys.modules[name] = types.ModuleType(name)
    exec(compile(source, name, "exec"), module.__dict__)
sys.modules[{talk!a}].run(module.probe, {plan!a})
"""


def program(module: ModuleType, **plan: Any) -> str:
    """A command for sh that runs ``module``'s function ``probe`` on the host with ``plan`` (plain values, no secrets).

    Its status: 0 where the service does its work, 75 where nobody answers yet, else 1 with a sentence on stderr.
    """
    sources = [(one.__name__, _source(one)) for one in (talk, *_shared(module), module)]
    text = _LOADER.format(sources=sources, talk=talk.__name__, plan=plan)
    return f"exec python3 -I -c {shlex.quote(text)}"


def _shared(module: ModuleType) -> list[ModuleType]:
    """What ``module`` takes from other modules beside this one."""
    names = {getattr(value, "__module__", "") for value in vars(module).values()} - {talk.__name__}
    return [sys.modules[name] for name in sorted(names) if name.startswith(f"{__package__}.")]


@cache
def _source(module: ModuleType) -> str:
    return Path(inspect.getfile(module)).read_text(encoding="utf-8")
