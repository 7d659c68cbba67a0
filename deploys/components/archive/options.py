"""How long mailboxes that are gone are kept, and where they lie."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator

from deploys.config.addresses.options import Directory
from deploys.values import Duration, durations
from facts.state import ARCHIVE
from facts.stores import USERS

DAY = 86_400  # seconds
KEPT = ".archive"  # below the store of mailboxes: no domain begins with a dot, so Dovecot serves nothing there
STATE = ARCHIVE  # what else of a person is kept: root's alone
PROGRAM = "/usr/local/lib/posthaus-archive"
Archive = Annotated[Duration, AfterValidator(durations.between(DAY, 3650 * DAY))]


def leaving(directory: Directory, keeps: int | None) -> dict[str, Any]:
    """For operations.leaving.archived; ``keeps``: for how many seconds, None: for ever."""
    return {
        "declared": {address: directory.login(address) for address in directory.mailboxes},
        "former": sorted({old for olds in directory.renamed.values() for old in olds}),
        "program": PROGRAM,
        "keeps": keeps,
        "table": USERS,
    }
