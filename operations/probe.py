"""The mailbox that the proof logs in to: its secret is made on the host, once, and never leaves it."""

from __future__ import annotations

from pyinfra import host
from pyinfra.api import operation

from facts.probe import PROBE, ProbeMade
from operations.script import script


@operation()
def made(path: str, before: str, after: str):  # type: ignore[no-untyped-def]
    """
    Make the probe's secret if there is none, and ``path`` the passwd-file with its one row.

    + path: Dovecot's file; readable by its group
    + before, after: the row around the SHA-512 hash (crypt(5)) of the secret
    """
    if host.get_fact(ProbeMade, path=path, before=before, after=after):
        host.noop("the probe's mailbox is made")
        return
    yield script("probe.sh", PROBE, path, before, after)
