"""One server and one moment for the tests of verify."""

from datetime import UTC, datetime

from deploys.config.mailserver import MailServer

NOW = datetime(2026, 11, 25, 4, 0, tzinfo=UTC)
NAMES = ("mail.example.com", "webmail.example.com")
SETTINGS = {
    "hostname": "mail.example.com",
    "domains": ["example.com", "example.net"],
    "mailboxes": {"tito@example.com": {"password": "$2y$05$eHGQZeDC6QCKTxI7CHbRIOaWXsAlxc2uM3chLCEuQJ2ksmNYM5Mvi"}},
    "webmail": {"hostname": "webmail.example.com"},
}


def mail(**changes):
    return MailServer.read(SETTINGS | changes)
