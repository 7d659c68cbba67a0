"""Messages of another server's store that a run has copied into ours."""

from __future__ import annotations

from pyinfra.api import FactBase
from typing_extensions import override

from facts.state import BROUGHT, tree_state

# While Postfix is somebody else's, messages go on arriving where they did: what was copied before counts no more.
_COMMAND = f"[ ! -s {tree_state('/etc/postfix')}/manifest ] || [ ! -e {BROUGHT} ] || cat {BROUGHT}"


class Brought(FactBase[dict[str, str]]):
    """``{login: where from}``, as Dovecot says it, for each mailbox whose messages are all there.

    ``pyinfra inventory.py fact facts.brought.Brought``
    """

    default = dict

    @override
    def command(self) -> str:
        return _COMMAND

    @override
    def process(self, output: list[str]) -> dict[str, str]:
        return {login: place for login, _, place in (line.partition("\t") for line in output) if place}
