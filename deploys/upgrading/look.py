"""Ask a host what an upgrade of its release would change. Changes nothing."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from pyinfra import host
from pyinfra.api.exceptions import DeployError

from deploys.checks.report import Report
from deploys.checks.status import watched
from deploys.config.mailserver import MailServer
from deploys.upgrading.foresee import asked, results
from deploys.upgrading.seen import Seen
from deploys.upgrading.target import Refused, codename, target
from facts.machine import Machine
from facts.postfix import PostfixQueue
from facts.upgrade import Upgrade
from facts.watch import Watched

KIND = "upgrade"
SECONDS = 600  # for the lists of another release, which may come slowly


def look(mail: MailServer, wanted: object) -> Report:
    """What the release ``wanted`` would change (None: the one that follows). DeployError: no upgrade leads there."""
    began, at = time.monotonic(), datetime.now(UTC)
    now = host.get_fact(Machine)
    try:
        version = target(now, None if wanted is None else str(wanted))
    except Refused as why:
        raise DeployError(str(why)) from None
    upgrade = host.get_fact(
        Upgrade,
        before=codename(now.distribution, now.version),
        after=codename(now.distribution, version),
        packages=asked(mail, now),
        _timeout=SECONDS,
    )
    said = watched(host.get_fact(Watched))
    seen = Seen(now, upgrade, len(host.get_fact(PostfixQueue)), said)
    return Report(host.name, at, time.monotonic() - began, tuple(results(mail, seen, version)), kind=KIND)
