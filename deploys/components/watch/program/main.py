"""The host's own look at itself: ``--json`` prints it, ``--mail`` tells the postmaster what is new (and
still so some seconds later).

deploys/status.py reads the former, posthaus-watch.timer runs the latter; ``--metrics`` writes the same as numbers for
Prometheus. All see the same, by the same code.
"""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from deploys.components.watch.program import exported, looks, space, told
from deploys.components.watch.program.shell import ENVIRONMENT

PLAN = "plan.json"
MEMORY = "told.json"
AGAIN = 10  # seconds: what is only just being restarted is not told
SENDING = 60  # seconds that sendmail may take


def main(home: Path, arguments: Sequence[str]) -> int:
    """``home``: where the plan lies. Returns the exit status."""
    plan: dict[str, Any] = json.loads((home / PLAN).read_text("utf-8"))
    if list(arguments) == ["--json"]:
        print("\n".join(json.dumps(asdict(one)) for one in looks.everything(plan["looks"])))
        return 0
    if list(arguments[:1]) == ["--mail"] and len(arguments) <= 2:
        tell(plan, float(arguments[1]) if arguments[1:] else AGAIN)
        return 0
    if list(arguments[:1]) == ["--metrics"] and len(arguments) == 2:
        exported.export(plan["looks"], Path(arguments[1]))
        return 0
    print("usage: posthaus-watch --json | --mail [SECONDS] | --metrics DIRECTORY")
    return 2


def tell(plan: Mapping[str, Any], again: float) -> None:
    """Write to the postmaster if something is new, and still so ``again`` seconds later; then remember it. A message
    that cannot be sent is tried again by the next run, for nothing is remembered before."""
    state = Path(plan["state"])
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    before = memory(state / MEMORY)
    found = told.news(looks.everything(plan["looks"]), before)
    if found:
        time.sleep(again)
        found = told.news(looks.everything(plan["looks"]), before)
    if found:
        send(told.message(found, plan["host"], plan["sender"], plan["recipient"]).as_bytes(), plan["sender"])
    write(state / MEMORY, found.memory)
    sample(plan["looks"])


def memory(path: Path) -> told.Memory:
    """What was told last; nothing where there is none that can be read."""
    try:
        known = json.loads(path.read_text("utf-8"))
        return {str(key): (str(verdict), str(seen)) for key, (verdict, seen) in known.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def send(message: bytes, sender: str) -> None:
    """Hand it to Postfix, which keeps it where nobody can take it yet. Raises CalledProcessError."""
    command = ["/usr/sbin/sendmail", "-i", "-t", "-f", sender]
    subprocess.run(command, input=message, env=ENVIRONMENT, timeout=SENDING, check=True)


def sample(declared: Iterable[Sequence[Any]]) -> None:
    """Keep how full the disks are today."""
    for kind, about in declared:
        if kind == "disks":
            path = Path(about["samples"])
            write(path, space.with_today(space.read(path), space.found(about["paths"]), time.time()))


def write(path: Path, content: object) -> None:
    """As JSON, whole or not at all."""
    new = path.with_name(f"{path.name}.new")
    new.write_text(json.dumps(content), "utf-8")
    new.replace(path)
