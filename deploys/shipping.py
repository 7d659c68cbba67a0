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


def program(start: ModuleType, modules: Iterable[ModuleType], plan: Mapping[str, Any]) -> dict[str, File]:
    """Every file below a program's directory, which ``python3 -I -B DIRECTORY`` runs.

    ``start``: the module whose ``main(directory, arguments)`` is called, and whose PLAN names the file that gets
    ``plan``, which holds no secret. ``modules``: all of ours that it needs, itself among them.
    """
    told = json.dumps(plan, ensure_ascii=False, indent=1) + "\n"
    return {"__main__.py": File(_START.format(module=start.__name__)), start.PLAN: File(told), **sources(modules)}


def sources(modules: Iterable[ModuleType]) -> dict[str, File]:
    """Modules as files, by paths from which Python imports them under their own names."""
    return {f"{one.__name__.replace('.', '/')}.py": File(source(one)) for one in modules}


def source(module: ModuleType) -> str:
    """A module's text."""
    return Path(inspect.getfile(module)).read_text(encoding="utf-8")
