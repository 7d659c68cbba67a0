"""pytest run by a test, with this project's own conftest, on tests that are written for it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.settings import ROOT


def nested(
    directory: Path, tests: str, *words: str, mark: str = "", ci: str = "true"
) -> subprocess.CompletedProcess[str]:
    """What pytest says of ``tests``, written to ``directory``. ``mark``: one that they have; ``ci``: as CI has it."""
    (directory / "pytest.ini").write_text(f"[pytest]\naddopts = --strict-markers\nmarkers =\n    {mark}\n")
    (directory / "test_x.py").write_text(tests)
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "tests.conftest", "-p", "no:cacheprovider",
         "-c", directory / "pytest.ini", directory, *words],
        cwd=ROOT, env={**os.environ, "CI": ci}, capture_output=True, text=True, check=False,
    )  # fmt: skip
