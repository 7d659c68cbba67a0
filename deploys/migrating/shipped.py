"""The program that takes mailboxes over, as one script for a host's own python3: with all that it has to know, so that
no password stands in a list of processes, in an environment or in a file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deploys import shipping
from deploys.migrating.program import dovecot, folders, imap, ledger, login, mailbox, main
from deploys.values import utf7

MODULES = (utf7, imap, login, folders, ledger, dovecot, mailbox, main)  # in the order of their imports
UNIT = "posthaus-migrate"
# systemd takes its directory away however it ends. Where nobody waits any more, it goes on.
COMMAND = (
    f"systemd-run --quiet --collect --pipe --wait --service-type=exec --unit={UNIT}"
    f" -p RuntimeDirectory={UNIT} -p RuntimeDirectoryMode=0711 -p PrivateTmp=yes -p UMask=0077 -p LimitCORE=0"
    " -p Nice=10 -p SyslogIdentifier=posthaus-migrate python3 -I -B -"
)


def script(plan: Mapping[str, Any]) -> str:
    """Python source that does what ``plan`` (program.main.main) says."""
    return shipping.script(main, MODULES, plan)
