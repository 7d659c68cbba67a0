"""What other programs say. Runs on the host, under its own python3 alone, as all beside it."""

from __future__ import annotations

import subprocess

ENVIRONMENT = {"LC_ALL": "C.UTF-8", "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
SECONDS = 50  # whoever asks from elsewhere waits a minute for all
LONGEST = 300  # characters of what a program complains of


class Unanswered(Exception):
    """Why there is no answer, in a sentence."""


def said(*command: str, check: bool = True) -> str:
    """What ``command`` prints. Raises Unanswered where it is not installed or takes too long; with ``check``, also
    where it fails."""
    try:
        done = subprocess.run(
            command, env=ENVIRONMENT, stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS, check=False
        )
    except FileNotFoundError:
        raise Unanswered(f"{command[0]} is not installed") from None
    except subprocess.TimeoutExpired:
        raise Unanswered(f"{command[0]} has not answered for {SECONDS} s") from None
    if check and done.returncode:
        complaint = done.stderr.decode("utf-8", "replace").strip().splitlines() or ["no reason given"]
        raise Unanswered(f"{command[0]}: {complaint[-1][:LONGEST]}")
    return done.stdout.decode("utf-8", "replace")
