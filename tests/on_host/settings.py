"""The settings that test hosts are converged to, and the passwords behind their hashes."""

from __future__ import annotations

import copy
import hashlib
import os
from functools import cache
from typing import Any
from uuid import uuid4

from argon2 import PasswordHasher

from deploys.components.squirrelmail.options import Webmail
from deploys.components.squirrelmail.source import squirrelmail_tree
from deploys.download import DownloadError
from deploys.values import hashes
from lab.network import ENGINES

TITO, IQBAL, ANA = "tito@example.com", "iqbal@example.com", "ana@example.net"

# Processes that share a run's tests share its hosts: all of them make the same passwords and hashes of the run's id.
RUN = os.environ.get("PYTEST_XDIST_TESTRUNUID", uuid4().hex)
_HASHER = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)  # as script/password


def _of_this_run(what: str) -> str:
    """Twenty characters that nobody can guess, the same for the same ``what``."""
    return hashlib.sha256(f"{RUN} {what}".encode()).hexdigest()[:20]


def _hashed(address: str) -> str:
    return hashes.canonical("{ARGON2ID}" + _HASHER.hash(PASSWORDS[address], salt=_of_this_run(address).encode()))


# One password with everything that a quoting mistake would trip over; the others as people get them.
PASSWORDS = {
    TITO: 'It\'s "fine": 100% {of} #mail\\$HOME &<ok>;',
    IQBAL: _of_this_run(f"password of {IQBAL}"),
    ANA: _of_this_run(f"password of {ANA}"),
}

EXAMPLE: dict[str, Any] = {
    "hostname": "mail.example.com",
    "domains": ["example.com", "example.net"],
    "postmaster": TITO,
    "mailboxes": {
        TITO: {"password": _hashed(TITO), "name": "Tito Puente"},
        IQBAL: {"password": _hashed(IQBAL), "name": "محمد اقبال"},
        ANA: {"password": _hashed(ANA), "quota": "2M"},
    },
    "aliases": {"info@example.com": [TITO, IQBAL]},
    "catch_all": {"example.net": ANA},
    "webmail": {"hostname": "webmail.example.com"},
    "dns": {"verify": False},  # nobody publishes these names
    "resolver": "host",  # containers reach no root server
    "filter": {"blocklists": False},  # nor any list
    "sending": {"messages": 5000},  # an hour of tests
    "updates": False,  # packages that one test alone needs (test_updates.py)
    "bans": {"never": list(ENGINES)},  # wrong passwords are tried from here all the time
    # the machine that tests run on connects more often than strangers may (test_connections.py does so as one of them)
    "postfix": {"parameters": {"smtpd_client_event_limit_exceptions": "$mynetworks 172.16.0.0/12"}},
}


@cache
def no_webmail() -> str | None:
    """Why the webmail cannot be installed from here; None where SquirrelMail's source can be had."""
    try:
        squirrelmail_tree(Webmail())
    except DownloadError as error:
        return f"SquirrelMail's source cannot be had here, so THE WEBMAIL WAS NOT TESTED: {error}"
    return None


def example(**changes: Any) -> dict[str, Any]:
    """A copy of EXAMPLE of one's own, with top-level options changed; None takes an option away.

    Where SquirrelMail's source cannot be had it goes without a webmail, so that everything else is tested.
    """
    settings = {**copy.deepcopy(EXAMPLE), **changes}
    if no_webmail() and "webmail" not in changes:
        settings["webmail"] = False
    return {word: value for word, value in settings.items() if value is not None}
