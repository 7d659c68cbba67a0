"""The shell programs beside the facts."""

from __future__ import annotations

from pathlib import Path

HERE = Path(__file__).parent


def text(file: str) -> str:
    """The program of that name, without its comments."""
    return without_comments((HERE / file).read_text(encoding="utf-8"))


def without_comments(program: str) -> str:
    """``program`` without the lines that hold nothing but a comment, or nothing at all."""
    return "\n".join(line for line in program.splitlines() if line.strip() and not line.lstrip().startswith("#"))
