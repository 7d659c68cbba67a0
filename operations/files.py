"""Files that others fill: made empty where they are missing, with their owners and modes."""

from __future__ import annotations

from collections.abc import Mapping

from pyinfra import host
from pyinfra.api import QuoteString, StringCommand

from facts.directories import Directory as Found
from facts.files import Files
from facts.survey import Question, question
from operations.directories import Directory
from operations.survey import ask, looks


def _of_files(files: Mapping[str, Directory]) -> list[Question[dict[str, Found]]]:
    return [question(Files, paths=sorted(files))]


@looks(_of_files)
def present(files: Mapping[str, Directory]):  # type: ignore[no-untyped-def]
    """
    Make the files, empty, or repair their owners and modes; what is in them stays.

    + files: absolute path: owner and mode. The directories are there
    """
    (about,) = _of_files(files)
    there = ask(about)
    wrong = {
        path: file for path, file in sorted(files.items()) if there.get(path) != (file.mode, file.user, file.group)
    }
    if not wrong:
        host.noop(f"{len(files)} files are there")
        return
    yield StringCommand(*[_made(path, file) for path, file in wrong.items()], _separator=" && ")


def _made(path: str, file: Directory) -> StringCommand:
    name = QuoteString(path)
    owner = QuoteString(f"{file.user}:{file.group}")
    return StringCommand(
        "(umask 077;", "[ -e", name, "] ||", ":", ">", name, ") && chown", owner, name, "&& chmod", file.mode, name
    )
