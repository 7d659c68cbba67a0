"""After mail.yaml has changed who has which password. Runs on the host, as root."""

from __future__ import annotations

import os
from pathlib import Path

from deploys.components.account.options import NOTES
from deploys.components.account.program import rows, sessions, webmail


def settle(seen: str) -> list[str]:
    """Forget what was chosen under other hashes than those of now, and end the sessions that these opened.

    ``seen``: a copy of NOTES as they were last time, which this brings up to date; where there is none, nobody's
    sessions end. Returns a sentence for each mailbox that lost something.
    """
    now, before = Path(NOTES).read_text(encoding="utf-8"), Path(seen)
    forgotten = rows.prune()
    with rows.locked():
        webmail.prune()
    if before.exists():
        sessions.kick(changed(before.read_text(encoding="utf-8"), now))
    new = before.with_name(f"{before.name}.new")
    new.write_text(now, encoding="utf-8")
    os.chmod(new, 0o600)
    os.replace(new, before)
    return [f"{address}: what was chosen under the former password is forgotten" for address in forgotten]


def changed(before: str, now: str) -> list[str]:
    """The mailboxes of ``before`` that have another note now, or none."""
    kept = set(now.splitlines())
    return [line.partition(":")[0] for line in before.splitlines() if line not in kept]
