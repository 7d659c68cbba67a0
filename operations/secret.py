"""A key that one program of the host has for itself: made there, once, and never seen by a run."""

from __future__ import annotations

from pyinfra import host

from facts.secret import SecretMade
from facts.survey import Question, question
from operations.script import script
from operations.survey import ask, looks


def _of_path(path: str, **_: object) -> list[Question[str]]:
    return [question(SecretMade, path=path)]


@looks(_of_path)
def made(path: str, group: str = "root", mode: str = "0600"):  # type: ignore[no-untyped-def]
    """
    Make 32 characters that nobody knows, if ``path`` does not hold any yet; what it holds stays.

    + path: a file; its directory exists
    + group, mode: who may read it besides root, whose it is
    """
    (about,) = _of_path(path)
    if ask(about) == f"{mode.lstrip('0')} root:{group}":
        host.noop("the key is made")
        return
    yield script("secret.sh", path, group, mode)
