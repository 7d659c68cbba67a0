"""What is to be done once for each content of a file, whoever wrote it and whichever run was cut off."""

from __future__ import annotations

from pyinfra import host

from facts.same import Same
from facts.survey import Question, question
from operations.script import script
from operations.survey import ask, looks


def _of_file(path: str, seen: str, **_: object) -> list[Question[bool]]:
    return [question(Same, path=path, other=seen)]


@looks(_of_file)
def followed(path: str, seen: str, program: str):  # type: ignore[no-untyped-def]
    """
    Run ``program`` unless it has seen what is in ``path``.

    + path: the file
    + seen: the copy of it that ``program`` makes when it has done
    + program: shell words, which get ``seen`` as one more
    """
    (about,) = _of_file(path, seen)
    if ask(about):
        host.noop(f"{path} is as it was")
        return
    yield script("follow.sh", seen, PROGRAM=program)
