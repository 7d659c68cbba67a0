"""What got worse or was mended since it was last told, as a message to the postmaster."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import formatdate, make_msgid

from deploys.result import CheckResult

SEVERITY = {"ok": 0, "warn": 1, "FAIL": 2}
# Nobody is written to for these: they come and go, or somebody else tells of them. status.py shows them.
QUIET = (
    "updates.",
    "queue.deferred.",
    "queue.held",
    "logins.",
    "services.libraries",
    "services.metrics.",
    "services.reboot",
)
MOST_NAMES = 3
Memory = Mapping[str, tuple[str, str]]  # key: (verdict, what was seen), of what was wrong when it was last told


@dataclass(frozen=True)
class News:
    """``memory``: what is to be remembered once this has been told."""

    worse: Sequence[CheckResult] = ()
    mended: Sequence[tuple[CheckResult, str]] = ()
    still: Sequence[CheckResult] = ()
    memory: Memory = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Whether there is anything to tell."""
        return bool(self.worse or self.mended)


def news(results: Iterable[CheckResult], before: Memory) -> News:
    """What ``results`` say that ``before`` did not. What nobody could look at is as it was; what is no longer looked at
    is forgotten; what got better and is not well is not told."""
    worse, mended, still = [], [], []
    memory: dict[str, tuple[str, str]] = {}
    for one in (one for one in results if not one.key.startswith(QUIET)):
        was, seen = before.get(one.key, ("ok", ""))
        if one.verdict not in SEVERITY:
            memory |= {one.key: before[one.key]} if one.key in before else {}
            continue
        if one.verdict != "ok":
            memory[one.key] = (one.verdict, one.seen)
        if SEVERITY[one.verdict] > SEVERITY.get(was, 0):
            worse.append(one)
        elif one.verdict != "ok":
            still.append(one)
        elif was != "ok":
            mended.append((one, seen))
    return News(worse, mended, still, memory)


def message(found: News, host: str, sender: str, recipient: str) -> EmailMessage:
    """The message that tells it (RFC 5322; RFC 3834: nobody is to answer)."""
    text = EmailMessage()
    text["From"], text["To"] = f"Posthaus <{sender}>", recipient
    text["Subject"] = f"{host}: {subject(found)}"
    text["Date"], text["Message-ID"] = formatdate(), make_msgid(domain=host)
    text["Auto-Submitted"] = "auto-generated"
    text.set_content(body(found))
    return text


def subject(found: News) -> str:
    """``worse: postfix.service, room on /; mended: rspamd``"""
    parts = (("worse", [one.what for one in found.worse]), ("mended", [one.what for one, _ in found.mended]))
    return "; ".join(f"{word}: {_some(names)}" for word, names in parts if names)


def _some(names: Sequence[str]) -> str:
    more = len(names) - MOST_NAMES
    return ", ".join(names[:MOST_NAMES]) + (f" and {more} more" if more > 0 else "")


def body(found: News) -> str:
    """One line for each, and what to do below it."""
    worse = [_bad(one) for one in found.worse]
    mended = [f"  {one.what}: {one.seen}\n      (was: {was})" for one, was in found.mended]
    still = [_bad(one) for one in found.still]
    parts = (("Worse than before:", worse), ("Mended:", mended), ("Still so:", still))
    told = ["\n".join([title, *lines]) for title, lines in parts if lines]
    end = "All of it, at any time: pyinfra inventory.py deploys/status.py. What each line means: docs/status.md."
    return "\n\n".join([*told, end]) + "\n"


def _bad(one: CheckResult) -> str:
    return f"  {one.what}: {one.seen} (expected: {one.expected})\n      -> {one.remedy}"
