"""Where a host keeps what Posthaus must remember between runs, and the lock that two administrators share."""

from __future__ import annotations

ROOT = "/var/lib/posthaus"
UNITS = f"{ROOT}/units"  # what is remembered of each unit
RENAMED = f"{ROOT}/renamed"  # homes that a run is renaming, a path a line
LEAVING = f"{ROOT}/leaving"  # mailboxes that are on their way to the archive, an address a line
ARCHIVE = "/var/lib/posthaus-archive"  # of each archived mailbox what is no mail: DOMAIN/LOCAL.TIME
BROUGHT = f"{ROOT}/brought"  # whose messages were copied from where: login, tab, place
LOCK = "/run/posthaus.lock"  # not /run/lock, where everybody may put a link
LOCK_SECONDS = 120
LEASE = "/run/posthaus.run"  # which run changes this host, readable by everybody; see lock.sh
BACKGROUND = "posthaus-background.service"  # what goes on beside a run's steps after packages were installed
LEASE_SECONDS = 900  # between two signs of life of a run: no step of ours takes longer but an installation
CERTIFICATES = "/etc/ssl/posthaus"  # what all services serve: fullchain.pem and privkey.pem


def tree_id(target: str) -> str:
    """The name of a target's state directory: ``/etc/dovecot`` becomes ``etc-dovecot``."""
    return target.strip("/").replace("-", "--").replace("/", "-")


def tree_state(target: str) -> str:
    """The directory of ``target``'s manifest and, until its unit has proved the new files, of the old ones."""
    return f"{ROOT}/trees/{tree_id(target)}"


def unit_memory(unit: str) -> str:
    """The directory of what ``unit`` last proved itself by (``probe``), and of its checker (``check``): sh programs."""
    return f"{UNITS}/{unit}"
