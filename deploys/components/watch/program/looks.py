"""All that can be looked at, by the names that components declare it under."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from deploys.components.watch.program import (
    archives,
    backups,
    certificates,
    clock,
    endpoints,
    logins,
    mailboxes,
    packages,
    services,
    space,
    spam,
    waiting,
)
from deploys.components.watch.program.measures import Measure, Page
from deploys.result import Check, CheckResult

Told = CheckResult | Measure | Page

LOOKS: Mapping[str, Callable[..., Iterable[Told]]] = {
    "services": services.running,
    "libraries": services.libraries,
    "reboot": services.reboot,
    "versions": packages.versions,
    "security updates": packages.security,
    "queue": waiting.queue,
    "disks": space.disks,
    "mailboxes": mailboxes.mailboxes,
    "certificate": certificates.certificate,
    "logins": logins.failures,
    "bans": logins.bans,
    "rspamd": spam.rspamd,
    "clock": clock.clock,
    "endpoint": endpoints.endpoint,
    "backup": backups.backup,
    "archive": archives.archive,
}


def everything(looks: Sequence[Sequence[Any]]) -> list[CheckResult]:
    """The results of ``looks``, each [kind, its arguments]; what one comes to grief over is one result of its own."""
    return [told for told in whole(looks) if isinstance(told, CheckResult)]


def whole(looks: Sequence[Sequence[Any]]) -> list[Told]:
    """The same with the numbers behind them."""
    return [told for kind, about in looks for told in one(kind, about)]


def one(kind: str, about: Mapping[str, Any]) -> Iterator[Told]:
    """The results of one look, and its numbers."""
    try:
        yield from list(LOOKS[kind](**about))
    except Exception as why:  # others are looked at all the same
        name = about.get("name", "")
        what = f"{kind} {name}".strip()
        remedy = "look by hand; if it stays so, report it with this line"
        yield Check(f"looks.{what.replace(' ', '-')}", kind, what, "looked at").result(_said(why), None, remedy)


def _said(why: Exception) -> str:
    return str(why) if type(why).__name__ == "Unanswered" else f"{type(why).__name__}: {why}"
