"""Who has a mailbox, and which addresses lead to it."""

from __future__ import annotations

from typing import Literal

from deploys.settings import Settings


class Mailbox(Settings):
    """One mailbox: a crypt(3) hash, a display name, a limit in bytes (None: the default; 0: unlimited)."""

    password: str | None = None
    name: str | None = None
    quota: int | None = None


class Directory(Settings):
    """All addresses, lower case and in A-labels, checked against each other."""

    domains: tuple[str, ...]
    mailboxes: dict[str, Mailbox]
    aliases: dict[str, tuple[str, ...]] = {}
    catch_all: dict[str, str] = {}
    postmaster: str
    accounts: Literal["virtual", "system"] = "virtual"
    quota: int = 1 << 30

    def login(self, address: str) -> str:
        """The name that ``address`` logs in with: whole in virtual mode, the Unix user in system mode."""
        return address if self.accounts == "virtual" else address.partition("@")[0]
