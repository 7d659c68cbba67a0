"""Run the real command line of pyinfra from the project's root, and read what it says in JSON."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.warm import Warm

ROOT = Path(__file__).resolve().parent.parent
RUN_SECONDS = 1200


@dataclass(frozen=True)
class Run:
    """What one run of pyinfra left: exit code, its JSON (None where it printed none), and everything it said."""

    rc: int
    json: dict[str, Any] | None
    output: str  # stderr: the log that a person reads
    stdout: str

    @property
    def totals(self) -> dict[str, int]:
        """Operations by outcome over all hosts (``success`` counts changes); empty if none ran."""
        return dict(((self.json or {}).get("results") or {}).get("totals") or {})

    def kept(self, path: Path) -> Run:
        """The same, and all that it said in a file."""
        path.write_text(self.output + self.stdout)
        return self

    @property
    def changes(self) -> int:
        """How many operations changed something. Raises RuntimeError where the run did not get that far."""
        if "success" not in self.totals:
            raise RuntimeError(f"pyinfra gave no results:\n{self.output}")
        return self.totals["success"]


def command() -> str:
    """The pyinfra that belongs to this Python."""
    return str(Path(sys.executable).with_name("pyinfra"))


def site_environment(site: Path | None) -> dict[str, str]:
    """This process's environment, with ``site`` as the operator's own."""
    return {**os.environ, **({"POSTHAUS_SITE": str(site)} if site else {})}


def pyinfra(site: Path | None, *words: str, environment: Mapping[str, str] | None = None) -> Run:
    """Run ``pyinfra inventory.py ARGUMENTS`` with ``site`` as the operator's own; nobody answers a prompt."""
    return run("inventory.py", *words, environment={**site_environment(site), **(environment or {})})


def run(*words: str, environment: Mapping[str, str]) -> Run:
    """Run ``pyinfra ARGUMENTS`` from the project's root with exactly this environment."""
    call = [command(), *words]
    if _warm and _warm.serves(environment):
        done = _warm.run(call, ROOT, environment, RUN_SECONDS)
    else:
        done = subprocess.run(
            call, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=RUN_SECONDS,
        )  # fmt: skip
    return Run(done.returncode, _object(done.stdout), done.stderr, done.stdout)


_warm: Warm | None = None


def keep_warm() -> None:
    """From now on, have this process's runs forked from an interpreter that has pyinfra imported (lab/warm.py)."""
    global _warm
    _warm = _warm or Warm()


def converge(site: Path, *words: str) -> Run:
    """Make every host of ``site`` what its mail.yaml says: the very command of the README, unattended and in JSON."""
    return pyinfra(site, "deploys/mail.py", "-y", "--json", *words)


def verify(site: Path, *words: str) -> Run:
    """Verify every host of ``site`` by messages: exit code 0 only if every check holds."""
    return pyinfra(site, "deploys/verify.py", "-y", *words)


def _object(text: str) -> dict[str, Any] | None:
    """The JSON object in ``text``, if it is one."""
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
