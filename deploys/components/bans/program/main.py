"""The guard's program. Runs on the host: ``python3 -I -B DIRECTORY [check]``."""

from __future__ import annotations

import json
import signal
import sys
import threading
from pathlib import Path
from types import FrameType

from deploys.components.bans.program import memory
from deploys.components.bans.program.count import Count, Rules
from deploys.components.bans.program.serve import Guard, Server, log

MINUTE = 60
PATIENCE = 3  # minutes between two writings


def main(words: list[str]) -> int:
    """``DIRECTORY``: serve until told to stop; with ``check``: read what is written there."""
    home = Path(words[0])
    found = json.loads((home / "bans.json").read_text(encoding="utf-8"))
    rules = Rules(**{**found["rules"], "never": tuple(found["rules"]["never"])})
    count = Count(rules)
    if rules.spared is None or words[1:] == ["check"]:
        return 0
    memory.read(found["memory"], count)
    guard = Guard(count, found["ports"], str(home / "table.nft"))
    server = Server(found["port"], guard)
    signal.signal(signal.SIGTERM, _ended)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    log(f"counts wrong logins: {rules.failures} within {rules.within} s shut out for {rules.span} s")
    try:
        while True:
            threading.Event().wait(PATIENCE * MINUTE)
            guard.tidy(found["memory"])
    except SystemExit:
        guard.tidy(found["memory"])
        return 0


def _ended(number: int, frame: FrameType | None) -> None:
    sys.exit(0)
