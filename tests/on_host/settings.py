"""The words that test hosts are converged to, and the passwords behind their hashes."""

from __future__ import annotations

import copy
from functools import cache
from typing import Any

from deploys.components.squirrelmail.options import Webmail
from deploys.components.squirrelmail.source import squirrelmail_tree
from deploys.download import DownloadError
from lab.passwords import hashed, random_password

TITO, IQBAL, ANA = "tito@example.com", "iqbal@example.com", "ana@example.net"

# One password with everything that a quoting mistake would trip over; the others as people get them.
PASSWORDS = {
    TITO: 'It\'s "fine": 100% {of} #mail\\$HOME &<ok>;',
    IQBAL: random_password(),
    ANA: random_password(),
}

EXAMPLE: dict[str, Any] = {
    "hostname": "mail.example.com",
    "domains": ["example.com", "example.net"],
    "postmaster": TITO,
    "mailboxes": {
        TITO: {"password": hashed(PASSWORDS[TITO]), "name": "Tito Puente"},
        IQBAL: {"password": hashed(PASSWORDS[IQBAL]), "name": "محمد اقبال"},
        ANA: {"password": hashed(PASSWORDS[ANA]), "quota": "2M"},
    },
    "aliases": {"info@example.com": [TITO, IQBAL]},
    "catch_all": {"example.net": ANA},
    "webmail": {"hostname": "webmail.example.com"},
    "dns": {"verify": False},  # nobody publishes these names
    "resolver": "host",  # containers reach no root server
    "filter": {"blocklists": False},  # nor any list
}


@cache
def no_webmail() -> str | None:
    """Why the webmail cannot be installed from here; None where SquirrelMail's source can be had."""
    try:
        squirrelmail_tree(Webmail().pinned)
    except DownloadError as error:
        return f"SquirrelMail's source cannot be had here, so THE WEBMAIL WAS NOT TESTED: {error}"
    return None


def example(**changes: Any) -> dict[str, Any]:
    """A copy of EXAMPLE of one's own, with top-level words changed; None takes a word away.

    Where SquirrelMail's source cannot be had it goes without a webmail, so that everything else is tested.
    """
    settings = {**copy.deepcopy(EXAMPLE), **changes}
    if no_webmail() and "webmail" not in changes:
        settings["webmail"] = False
    return {word: value for word, value in settings.items() if value is not None}
