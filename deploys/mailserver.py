"""MailServer: all rooms' settings in one model, plus checks between rooms."""

from __future__ import annotations

from typing import Literal

from deploys.directory.settings import Directory, Mailbox
from deploys.dovecot.settings import Dovecot
from deploys.postfix.settings import Postfix, Relayhost
from deploys.settings import Settings
from deploys.squirrelmail.settings import Webmail
from deploys.tls.settings import Tls


class MailServer(Settings):
    """The words of mail.yaml, as the operator groups them."""

    hostname: str
    domains: tuple[str, ...]
    mailboxes: dict[str, Mailbox]
    aliases: dict[str, tuple[str, ...]] = {}
    catch_all: dict[str, str] = {}
    postmaster: str | None = None
    accounts: Literal["virtual", "system"] = "virtual"
    quota: int = 1 << 30
    message_size: int = 50 << 20
    trusted_networks: tuple[str, ...] = ()
    relayhost: Relayhost | None = None
    tls: Tls = Tls()
    webmail: Webmail | Literal[False] = Webmail()
    postfix: Postfix = Postfix()
    dovecot: Dovecot = Dovecot()
