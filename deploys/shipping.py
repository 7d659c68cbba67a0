"""Programs of ours that run on a host, by its own Python alone: modules as they lie here, and what they are told."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from operations.file import File

_START = """import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from {module} import main

sys.exit(main(Path(__file__).parent, sys.argv[1:]))
"""

_LOADER = """import json, sys, types
for name, source in {sources!a}:
    parent = None
    for end in [at for at, one in enumerate(name + ".") if one == "."]:
        module = sys.modules.setdefault(name[:end], types.ModuleType(name[:end]))
        module.__path__ = []
        if parent:
            setattr(parent, name[:end].rpartition(".")[2], module)
        parent = module
    exec(compile(source, name, "exec"), module.__dict__)
sys.exit(sys.modules["{main}"].main(json.loads({plan})))
"""


def program(start: ModuleType, modules: Iterable[ModuleType], plan: Mapping[str, Any]) -> dict[str, File]:
    """Every file below a program's directory, which ``python3 -I -B DIRECTORY`` runs.

    ``start``: the module whose ``main(directory, arguments)`` is called, and whose PLAN names the file that gets
    ``plan``, which holds no secret. ``modules``: all of ours that it needs, itself among them.
    """
    told = json.dumps(plan, ensure_ascii=False, indent=1) + "\n"
    return {"__main__.py": File(_START.format(module=start.__name__)), start.PLAN: File(told), **sources(modules)}


def script(start: ModuleType, modules: Iterable[ModuleType], plan: Mapping[str, Any]) -> str:
    """A program as one script for ``python3 -I -B -``, so that nothing of ``plan`` stands in a list of processes, in an
    environment or in a file.

    ``start``: the module whose ``main(plan)`` is called. ``modules``: all of ours, in the order of their imports.
    """
    texts = [(one.__name__, source(one)) for one in modules]
    return _LOADER.format(sources=texts, main=start.__name__, plan=ascii(json.dumps(plan)))


def sources(modules: Iterable[ModuleType]) -> dict[str, File]:
    """Modules as files, by paths from which Python imports them under their own names."""
    return {f"{one.__name__.replace('.', '/')}.py": File(source(one)) for one in modules}


def source(module: ModuleType) -> str:
    """A module's text."""
    return Path(inspect.getfile(module)).read_text(encoding="utf-8")
