"""Dovecot's list of mailboxes, read back: who is in it, and with which quota. Both of its forms (2.3, 2.4)."""

from __future__ import annotations

import re
from typing import Any

HASH = r"^[^:\n]*:([^:\n]*):"  # of each row, the secret
_QUOTA = re.compile(r"userdb_quota_(?:rule=\*:bytes|storage_size)=(\d+)")


def read(text: str) -> dict[str, dict[str, dict[str, Any]]]:
    """The mailboxes by address, as component.Table.read says: ``password`` is whatever ``HASH`` left of it, ``quota``
    in bytes, None: the server's."""
    found = {}
    for row in text.splitlines():
        name, _, rest = row.partition(":")
        if "@" in name:  # of Unix users each has a row as it logs in besides
            quota = _QUOTA.search(rest)
            found[name] = {"password": rest.partition(":")[0], "quota": int(quota[1]) if quota else None}
    return {"mailbox": found}
