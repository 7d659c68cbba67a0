"""The shell scripts beside this file, as one remote command each."""

from __future__ import annotations

import getpass
import re
import socket
from pathlib import Path

from pyinfra.api import QuoteString, StringCommand

from facts.shell import without_comments
from facts.state import LEASE, LEASE_SECONDS, LOCK, LOCK_SECONDS

HERE = Path(__file__).parent


def script(
    file: str, *arguments: str, stdin: str | None = None, parts: tuple[str, ...] = ("tree.sh",), **environment: str
) -> StringCommand:
    """``file`` after lock.sh and the functions of ``parts``, run by sh with ``arguments``; ``environment`` holds no
    secrets.

    Content travels on ``stdin``: neither a process list nor a log shows it, and no temporary file holds it.
    """
    settings = {
        "LOCK": LOCK,
        "LOCK_SECONDS": str(LOCK_SECONDS),
        "LEASE": LEASE,
        "LEASE_SECONDS": str(LEASE_SECONDS),
        "WHO": who(),
        **environment,
    }
    bits = [
        "env",
        *[QuoteString(f"{key}={value}") for key, value in settings.items()],
        "sh",
        "-c",
        QuoteString(text("lock.sh", *parts, file)),
        QuoteString(f"posthaus-{file.removesuffix('.sh')}"),
        *[QuoteString(argument) for argument in arguments],
    ]
    return StringCommand(*bits) if stdin is None else StringCommand(*bits, _stdin=stdin)


def text(*files: str) -> str:
    """The scripts of these names, one after the other, without their comments."""
    return without_comments("\n".join((HERE / file).read_text(encoding="utf-8") for file in files))


def who() -> str:
    """The person and the workstation of this run, as others are told of it."""
    try:
        person = getpass.getuser()
    except (OSError, KeyError):  # a number without a name, as in a container
        person = "somebody"
    return re.sub(r"[^\w.@-]", "", f"{person}@{socket.gethostname()}") or "somebody"
