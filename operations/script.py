"""The shell scripts beside this file, as one remote command each."""

from __future__ import annotations

from pathlib import Path

from pyinfra.api import QuoteString, StringCommand

from operations.state import LOCK, LOCK_SECONDS

HERE = Path(__file__).parent


def script(
    file: str, *arguments: str, stdin: str | None = None, parts: tuple[str, ...] = ("tree.sh",), **environment: str
) -> StringCommand:
    """``file`` after the functions of ``parts``, run by sh with ``arguments``; ``environment`` holds no secrets.

    Content travels on ``stdin``: neither a process list nor a log shows it, and no temporary file holds it.
    """
    text = "\n".join((HERE / part).read_text(encoding="utf-8") for part in (*parts, file))
    settings = {"LOCK": LOCK, "LOCK_SECONDS": str(LOCK_SECONDS), **environment}
    bits = [
        "env",
        *[QuoteString(f"{key}={value}") for key, value in settings.items()],
        "sh",
        "-c",
        QuoteString(_without_comments(text)),
        QuoteString(f"posthaus-{file.removesuffix('.sh')}"),
        *[QuoteString(argument) for argument in arguments],
    ]
    return StringCommand(*bits) if stdin is None else StringCommand(*bits, _stdin=stdin)


def _without_comments(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#"))
