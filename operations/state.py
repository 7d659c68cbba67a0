"""Where a host keeps what Posthaus must remember between runs, and the lock that two administrators share."""

from __future__ import annotations

ROOT = "/var/lib/posthaus"
LOCK = "/run/posthaus.lock"  # not /run/lock, where everybody may put a link
LOCK_SECONDS = 120


def tree_id(target: str) -> str:
    """The name of a target's state directory: ``/etc/dovecot`` becomes ``etc-dovecot``."""
    return target.strip("/").replace("-", "--").replace("/", "-")


def tree_state(target: str) -> str:
    """The directory of ``target``'s manifest and, until its unit has proved the new files, of the old ones."""
    return f"{ROOT}/trees/{tree_id(target)}"
