"""What may be said about Dovecot."""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator

from deploys.settings import Settings

Protocol = Literal["imap", "pop3", "sieve"]
AUTH_SOCKET = "private/auth"
LMTP_SOCKET = "private/dovecot-lmtp"
QUOTA_SOCKET = "private/quota-status"


class Dovecot(Settings):
    """Protocols for clients (LMTP for Postfix always runs), and any setting of dovecot.conf; the latter wins over ours."""

    protocols: tuple[Protocol, ...] = ("imap", "pop3", "sieve")
    settings: dict[str, str | int | bool] = {}

    @model_validator(mode="after")
    def _has_a_reader(self) -> Dovecot:
        if not {"imap", "pop3"} & set(self.protocols):
            raise ValueError("Dovecot needs imap or pop3, or nobody can read the mail")
        return self
