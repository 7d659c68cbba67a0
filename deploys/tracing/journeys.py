"""Steps as journeys: what belongs to one message, and where it is now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from deploys.tracing.lines import Step, step
from deploys.values import refusals

ENDS = {"stored", "sent", "waits", "bounced", "refused", "mailbox", "held"}
WAITING = {"waits", "held"}
_STRONGER = {"mailbox": 0, "held": 1, "waits": 1, "sent": 2, "bounced": 2, "refused": 2, "stored": 3}


@dataclass
class Journey:
    """One message, as far as the log tells. ``message``: its Message-ID, empty where it came to none."""

    message: str = ""
    queues: list[str] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)


def journeys(lines: Iterable[str]) -> list[Journey]:
    """The messages that ``lines`` tell of, in the order of their first line."""
    found: list[Journey] = []
    by_queue: dict[str, Journey] = {}
    by_message: dict[str, Journey] = {}
    for one in filter(None, map(step, lines)):
        journey = by_message.get(one.message) or by_queue.get(one.queue) if one.message or one.queue else None
        if journey and one.message and by_queue.get(one.queue, journey) is not journey:
            _join(journey, by_queue[one.queue], found, by_queue)  # a queue identifier whose Message-ID comes after it
        if journey is None:
            journey = Journey()
            found.append(journey)
        if one.message:
            journey.message = one.message
            by_message[one.message] = journey
        if one.queue and one.queue not in journey.queues:
            journey.queues.append(one.queue)
        if one.queue:
            by_queue[one.queue] = journey
        if one.text:
            journey.steps.append(one)
    return found


def _join(journey: Journey, other: Journey, found: list[Journey], by_queue: dict[str, Journey]) -> None:
    journey.steps += other.steps
    journey.queues += [queue for queue in other.queues if queue not in journey.queues]
    by_queue.update(dict.fromkeys(other.queues, journey))
    found.remove(other)


def told(journey: Journey) -> Iterator[str]:
    """Its lines for a person: what happened, then where it is."""
    yield f"<{journey.message}>" if journey.message else "a message that was never taken"
    for one in journey.steps:
        if one.kind != "mailbox":
            whose = f"{one.about}: " if one.kind in ENDS and one.about else ""
            yield f"  {one.at}  {whose}{one.text}"
    judged = next((one for one in reversed(journey.steps) if one.kind == "judged"), None)
    for address, end in ends(journey).items():
        yield f"  → {address or 'whoever it is for'} {_now(end, judged)}"
        if known := refusals.known(end.text):
            whose, meaning, remedy = known
            yield f"    {whose} means: {meaning}; {remedy}"


def ends(journey: Journey) -> dict[str, Step]:
    """By recipient, what was last heard; by none what is true of all, until one of them is heard of."""
    last: dict[str, Step] = {}
    for one in journey.steps:
        if one.kind == "dropped":  # for whoever had not had it
            waiting = [about for about, was in last.items() if was.kind in WAITING and was.queue == one.queue]
            last |= dict.fromkeys(waiting or ([] if last else [""]), one)
        elif one.kind in ENDS and _STRONGER[one.kind] >= _STRONGER[last.get(one.about, one).kind]:
            last[one.about] = one
    return {about: one for about, one in last.items() if about} or last


def _now(end: Step, judged: Step | None) -> str:
    if end.kind == "stored" and "Junk" in end.text and judged and judged.about == "add header":
        return f"has it in Junk; {judged.text}"
    has = {"stored": "has it" if "threw" not in end.text else "does not have it", "mailbox": "has it"}
    has |= {
        "sent": "is on another server, which has it",
        "waits": "does not have it yet",
        "held": "does not have it yet",
    }
    return f"{has.get(end.kind, 'does not have it')}: {end.text}"
