"""What waits in Postfix's queue, and why (postqueue(1))."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from deploys.components.watch.program.amounts import HOUR, MINUTE, count, span
from deploys.components.watch.program.measures import Measure
from deploys.components.watch.program.shell import said
from deploys.result import Check, CheckResult
from deploys.values.refusals import CODES, row

GROUP = "queue"
STUCK = 30 * MINUTE  # a message whose turn it is has left long before
OLD = 24 * HOUR
MOST_REASONS = 10
LONGEST = 200  # characters of a reason
OTHER = "other"


def queue() -> Iterator[CheckResult | Measure]:
    """How many messages wait, since when, and for what."""
    text = said("postqueue", "-j")
    messages, now = [json.loads(line) for line in text.splitlines() if line.startswith("{")], time.time()
    yield from results(messages, now)
    yield from measures(messages, now)


def results(messages: list[dict[str, Any]], now: float) -> Iterator[CheckResult]:
    """``messages`` as postqueue tells them; ``now``: seconds since the epoch."""
    oldest = _oldest(messages, now)
    about = Check("queue.moves", GROUP, "messages whose turn it is", f"gone within {span(STUCK)}")
    if oldest["due"] > STUCK:
        remedy = "systemctl restart postfix; why: journalctl -u 'postfix*' -p warning -n 30"
        yield about.result(f"the oldest waits for {span(oldest['due'])}", False, remedy)
    else:
        yield about.result("none is left behind", True)
    about = Check("queue.oldest", GROUP, "messages that wait", f"none longer than {span(OLD)}")
    total = count(len(messages), "message")
    seen = f"{total}, the oldest for {span(max(oldest.values()))}" if messages else "none"
    yield about.result(seen, True, "see the reasons below; each is given up after five days" if _late(oldest) else "")
    if held := [one for one in messages if one["queue_name"] == "hold"]:
        about = Check("queue.held", GROUP, "held messages", "none")
        yield about.result(
            total_of(held), True, "pyinfra inventory.py deploys/held.py says whose they are, and releases or drops them"
        )
    yield from reasons(messages)


_KINDS = {"due": ("incoming", "active", "maildrop"), "deferred": ("deferred",)}


QUEUES = ("maildrop", "incoming", "active", "deferred", "hold")


def measures(messages: list[dict[str, Any]], now: float) -> Iterator[Measure]:
    """The same as numbers, also those that are 0. Whom messages are for is in none."""
    found = Counter(one["queue_name"] for one in messages)
    yield from (Measure("queue_messages", found[name], {"queue": name}) for name in QUEUES)
    for kind, age in _oldest(messages, now).items():
        yield Measure("queue_oldest_age_seconds", round(age), {"queue": kind})
    said = [one["delay_reason"] for message in messages for one in message["recipients"] if one.get("delay_reason")]
    waits = Counter(known[0] if (known := row(reason)) else OTHER for reason in said)
    for reason in (*dict.fromkeys(key for _, key, *_ in CODES), OTHER):
        yield Measure("queue_deferred_recipients", waits[reason], {"reason": reason})


def _oldest(messages: list[dict[str, Any]], now: float) -> dict[str, float]:
    """Of each of _KINDS, the age of the oldest."""
    return {kind: _age([one for one in messages if one["queue_name"] in names], now) for kind, names in _KINDS.items()}


def _late(oldest: dict[str, float]) -> bool:
    return oldest["deferred"] > OLD


def _age(messages: list[dict[str, Any]], now: float) -> float:
    return now - min((one["arrival_time"] for one in messages), default=now)


def total_of(messages: list[dict[str, Any]]) -> str:
    """``3 messages``."""
    return count(len(messages), "message")


def reasons(messages: Iterable[dict[str, Any]]) -> Iterator[CheckResult]:
    """A warning for each reason for which recipients wait: those that providers have a code for in its words, all
    others by the recipient's domain."""
    times: Counter[str] = Counter()
    example: dict[str, tuple[str, str]] = {}
    for message in messages:
        for recipient in message["recipients"]:
            if reason := recipient.get("delay_reason", ""):
                found = row(reason)
                domain = recipient["address"].rpartition("@")[2].lower()
                key = found[0] if found else f"domain.{domain}"
                times[key] += 1
                example.setdefault(key, (reason, recipient["address"]))
    for key, number in times.most_common(MOST_REASONS):
        yield _reason(key, number, *example[key])
    if (more := len(times) - MOST_REASONS) > 0:
        about = Check("queue.deferred.more", GROUP, "further reasons", "nothing waits")
        yield about.result(f"{more:,}", True, "postqueue -p lists them")


def _reason(key: str, number: int, reason: str, address: str) -> CheckResult:
    who, short = count(number, "recipient"), reason[:LONGEST]
    if found := row(reason):
        _, whose, meaning, remedy = found
        about = Check(f"queue.deferred.{key}", GROUP, f"{whose} puts off", "nothing waits")
        return about.result(f"{who}: {meaning} ({short})", True, remedy)
    about = Check(f"queue.deferred.{key}", GROUP, f"to {key.removeprefix('domain.')}", "nothing waits")
    remedy = f"script/trace {address} tells its way; once the cause is mended: postqueue -f"
    return about.result(f"{who}: {short}", True, remedy)
