"""The probe mailbox, which verify logs in to: its secret is made on the host, once, and never leaves it."""

from __future__ import annotations

from pyinfra import host

from facts.probe import PROBE, ProbeMade
from facts.survey import Question, question
from operations.script import script
from operations.survey import ask, looks


def _of_probe(path: str, before: str, after: str) -> list[Question[bool]]:
    return [question(ProbeMade, path=path, before=before, after=after)]


@looks(_of_probe)
def made(path: str, before: str, after: str):  # type: ignore[no-untyped-def]
    """
    Make the probe's secret if there is none, and ``path`` the passwd-file with its one row.

    + path: Dovecot's file; readable by its group
    + before, after: the row around the SHA-512 hash (crypt(5)) of the secret
    """
    (about,) = _of_probe(path, before, after)
    if ask(about):
        host.noop("the probe's mailbox is made")
        return
    yield script("probe.sh", PROBE, path, before, after)
