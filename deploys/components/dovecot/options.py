"""What may be said about Dovecot."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StrictStr, model_validator

from deploys.config.base import Settings
from deploys.values import Scalar, without_repeats

Protocol = Literal["imap", "pop3", "sieve"]
AUTH_SOCKET = "private/auth"
LMTP_SOCKET = "private/dovecot-lmtp"
QUOTA_SOCKET = "private/quota-status"
HOMES, LOGINS = PEOPLES = ("/home", "/etc/shadow")  # with accounts: system; more than mail lies there
TOLD = "/var/lib/posthaus-quota"  # a file for each mailbox whose people were told that it fills up


def setting_name(text: str) -> str:
    """A setting's name; one that stands inside a block has the block's name before it, ``protocol imap/…``."""
    word = r"[A-Za-z0-9_][A-Za-z0-9_.:-]*"
    if not re.fullmatch(rf"({word}( {word})?/)*{word}", text):
        raise ValueError(f"{text!r} is not the name of a setting; write it as in doveconf, blocks before it with a /")
    return text


SettingName = Annotated[StrictStr, AfterValidator(setting_name)]


class Dovecot(Settings):
    """What mail programs may speak, and any setting of dovecot.conf. (LMTP, for Postfix, always runs.)"""

    protocols: Annotated[tuple[Protocol, ...], AfterValidator(without_repeats)] = Field(
        default=("imap", "pop3", "sieve"),
        description="What mail programs may speak; sieve is ManageSieve, which edits filters. What is left out is"
        " not listened on.",
        examples=[["imap", "sieve"]],
    )
    settings: dict[SettingName, Scalar] = Field(
        default={},
        description="Any setting of dovecot.conf, in the dialect of the host's Dovecot (2.3 or 2.4); it wins over ours."
        " One inside a block has the block before it: `protocol imap/mail_max_userip_connections`.",
        examples=[{"mail_max_userip_connections": 50}],
    )

    @model_validator(mode="after")
    def _has_a_reader(self) -> Dovecot:
        if not {"imap", "pop3"} & set(self.protocols):
            raise ValueError("Dovecot needs imap or pop3, or nobody can read the mail; add one to protocols")
        return self
