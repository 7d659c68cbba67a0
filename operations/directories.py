"""Directories with their owners and modes, many in one command."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pyinfra import host
from pyinfra.api import QuoteString, StringCommand

from facts.directories import Directories
from facts.directories import Directory as Found
from facts.survey import Question, question
from operations.survey import ask, looks


@dataclass(frozen=True)
class Directory:
    """``mode`` is four octal digits in a string, such as ``"0750"``; user and group are names."""

    mode: str = "0755"
    user: str = "root"
    group: str = "root"


def _of_directories(directories: Mapping[str, Directory]) -> list[Question[dict[str, Found]]]:
    return [question(Directories, paths=sorted(directories))]


@looks(_of_directories)
def present(directories: Mapping[str, Directory]):  # type: ignore[no-untyped-def]
    """
    Make the directories, or repair their owners and modes; what lies in them stays as it is.

    + directories: absolute path: Directory. Missing parents come as root's, 0755
    """
    (about,) = _of_directories(directories)
    there = ask(about)
    wrong = {
        path: directory
        for path, directory in sorted(directories.items())
        if there.get(path) != (directory.mode, directory.user, directory.group)
    }
    if not wrong:
        host.noop(f"{len(directories)} directories are as declared")
        return
    commands = [_install(path, directory) for path, directory in wrong.items()]
    yield StringCommand(*commands, _separator=" && ")


def _install(path: str, directory: Directory) -> StringCommand:
    # install(1) leaves the set-group-id bit of an existing directory alone, chmod with five digits does not.
    return StringCommand(
        "install -d -o",
        QuoteString(directory.user),
        "-g",
        QuoteString(directory.group),
        "-m",
        directory.mode,
        "--",
        QuoteString(path),
        "&& chmod",
        f"0{directory.mode}",
        "--",
        QuoteString(path),
    )
