"""How a host does from day to day: its own look at itself, its open ports, and its records in the DNS."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from pyinfra import host

from deploys.checks import hoststate, listeners, published
from deploys.checks.parts import Parts
from deploys.checks.report import Report
from deploys.components import all as every
from deploys.components.component import Context
from deploys.config.mailserver import MailServer
from deploys.result import CONVERGE, Check, CheckResult
from facts.listeners import Listeners, Socket
from facts.survey import Question, question
from facts.watch import Watched
from operations.survey import together

KIND = "status"
GROUPS = (
    "services",
    "listeners",
    "queue",
    "disks",
    "mailboxes",
    "certificates",
    "filter",
    "logins",
    "clock",
    "updates",
)


def status(mail: MailServer) -> Report:
    """Look at the present host, in one remote command; nothing is sent and nothing changed."""
    began, at = time.monotonic(), datetime.now(UTC)
    parts = Parts()
    results = _results(mail, at, parts)
    return Report(host.name, at, time.monotonic() - began, (*parts.results, *in_order(results)), kind=KIND)


def _results(mail: MailServer, now: datetime, parts: Parts) -> list[CheckResult]:
    look = parts.look
    nothing: list[CheckResult] = []
    silent: list[Socket] = []
    unknown: published.About = ((), ())
    settings = look("domains", lambda: published.settings_of(mail), None) if mail.dns.verify else None
    itself, ports = question(Watched), question(Listeners)
    records = hoststate.records(mail, settings) if settings else None
    asked: list[Question[Any]] = [itself, ports, *([records] if records else [])]
    with together(asked):
        told = look("the host", lambda: watched(hoststate.said(itself)), nothing)
        sockets = look("listeners", lambda: hoststate.said(ports), silent)
        there = look("records", lambda: hoststate.said(records) if records else None, None)
    declared = every.listeners(every.declared(Context(mail)))
    about, lists = look("domains", lambda: published.about(mail, settings, there), unknown)
    return [
        *told,
        *look("ports", lambda: listeners.results(declared, sockets, mail.open_ports), nothing),
        *look("dns", lambda: published.results(mail, settings, about, lists, now), nothing),
    ]


def watched(told: list[dict[str, Any]]) -> list[CheckResult]:
    """What the host said of itself."""
    if told:
        return [CheckResult(**one) for one in told]
    about = Check("services.watch", "services", "the host's own look at itself", "there")
    return [about.result("not there, or it does not answer", False, f"{CONVERGE}, which puts it there")]


def in_order(results: Sequence[CheckResult]) -> list[CheckResult]:
    """The groups by what people ask first, further ones behind, as they come; in each, what is not well first."""
    place = {group: number for number, group in enumerate(GROUPS)}
    return sorted(results, key=lambda one: (place.get(one.group, len(GROUPS)), one.verdict == "ok"))
