"""The summary of one host's run: lines for people, JSON for programs. Pure, but for writing it down."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal

from deploys.summary import words
from deploys.summary.changes import Change
from deploys.values import reports

Phase = Literal["foreseen", "done", "failed"]
MOST_FILES, MOST_STEPS = 3, 5  # that are named
# What became of a unit, as it is told before and after.
VERBS = {
    "started": ("starts", "start", "started"),
    "reloaded": ("reloads", "reload", "reloaded"),
    "restarted": ("restarts", "restart", "restarted"),
    "stopped": ("stops", "stop", "stopped"),
}
ORDER = [(became, ends) for became in ("restarted", "started", "reloaded", "stopped") for ends in (True, False)]


@dataclass(frozen=True)
class Part:
    """One step that changed something: of which component, what it is called, the files it put or took away.
    ``said``: it said itself what it does, so that another line tells it."""

    component: str
    step: str
    files: tuple[str, ...] = ()
    said: bool = False


@dataclass(frozen=True)
class Service:
    """What becomes of a unit: a key of VERBS. ``connected``: what programs are connected to its component for;
    ``disconnects``: they are sent away, and come again."""

    component: str
    unit: str
    became: str
    connected: tuple[str, ...] = ()
    disconnects: bool = False


@dataclass(frozen=True)
class Summary:
    """One host's run. ``changes`` were made (or will be, where nothing is done yet), ``undone`` not, since it failed.

    ``seconds`` it took; ``keys`` and ``packages`` are new; ``brought``, ``quota``: see words; ``next``: what one does;
    ``mailboxes``: how many there are then; ``steps``: all that were looked at; ``asks``: what it would be refused for;
    ``tables``: the files that ``changes`` were read from; ``fresh``: it is a host's first run; ``kept``: as for words.
    """

    host: str
    at: datetime
    seconds: float
    phase: Phase
    changes: Sequence[Change] = ()
    undone: Sequence[Change] = ()
    parts: Sequence[Part] = ()
    services: Sequence[Service] = ()
    keys: Sequence[str] = ()
    packages: Sequence[str] = ()
    brought: Sequence[str] = ()
    next: Sequence[str] = ()
    messages: Mapping[str, int] = field(default_factory=dict)
    quota: tuple[int, int] = (0, 0)
    mailboxes: int = 0
    steps: int = 0
    tables: Sequence[str] = ()
    fresh: bool = False
    asks: Sequence[str] = ()
    kept: str = "stay"

    @property
    def changed(self) -> bool:
        """Whether anything is, or will be, other than before."""
        return bool(self.changes or self.parts or self.services)


def lines(summary: Summary) -> list[str]:
    """What a person reads; one line where nothing changed."""
    count = f"{summary.mailboxes:,} mailbox{'' if summary.mailboxes == 1 else 'es'}"
    if not summary.changed and summary.phase != "failed":
        would = "would change" if summary.phase == "foreseen" else "changed"
        return [f"{summary.host}: nothing {would}; {summary.steps} steps found all as declared ({count})"]
    inside = [
        *words.lines(summary.changes, summary.messages, summary.quota, summary.kept),
        *_keys(summary.keys),
        *_packages(summary.packages),
        *words.brought(summary.brought),
        *_parts(summary),
        *_services(summary.services, summary.phase != "foreseen"),
        *summary.asks,
    ]
    if summary.undone:
        inside += [
            "not done, since the run failed:",
            *words.lines(summary.undone, summary.messages, summary.quota, summary.kept),
        ]
    heads = {"foreseen": "would change", "done": f"changed, in {summary.seconds:.0f} s", "failed": "FAILED; see above"}
    follow = ["next:", *(f"  {one}" for one in summary.next)] if summary.next else []
    return [f"{summary.host}: {heads[summary.phase]}", *(f"  {line}" for line in [*inside, *follow])]


def _keys(keys: Sequence[str]) -> list[str]:
    """``DOMAIN.SELECTOR`` and ``DOMAIN.SELECTOR-ed25519`` are one key to people."""
    names = list(dict.fromkeys(key.removesuffix("-ed25519").rpartition(".")[0] for key in keys))
    shown = f"{', '.join(names[: words.FIRST])}{f' and {len(names) - words.FIRST:,} more' * (len(names) > words.FIRST)}"
    return [f"+ new DKIM key for {shown}"] if names else []


def _packages(packages: Sequence[str]) -> list[str]:
    shown = ", ".join(packages) if len(packages) <= words.FIRST else f"{len(packages)} packages"
    return [f"+ {shown} installed"] if packages else []


def _parts(summary: Summary) -> list[str]:
    """Which files, by component, and which steps, that no other line tells of. All of a first run is new."""
    if summary.fresh:
        return []
    told = set(summary.tables) if summary.changes or summary.undone else set()
    files: dict[str, list[str]] = {}
    for part in summary.parts:
        if paths := [path for path in part.files if path not in told]:
            files.setdefault(part.component or "units", []).extend(paths)
    few = sum(map(len, files.values())) <= MOST_FILES
    written = [f"{name} {', '.join(paths) if few else len(paths)}".strip() for name, paths in files.items()]
    others = [part.step for part in summary.parts if not part.said]
    rest = [f"and {len(others) - MOST_STEPS} more"] if len(others) > MOST_STEPS else []
    return [
        *([f"~ files: {'; '.join(written) if few else ', '.join(written)}"] if written else []),
        *([f"~ also: {'; '.join([*others[:MOST_STEPS], *rest])}"] if others else []),
    ]


def _services(services: Sequence[Service], done: bool) -> list[str]:
    """A component is told once, by the most that becomes of any of its units."""
    found = []
    told: set[str] = set()
    for became, disconnects in ORDER:
        inside = [
            one
            for one in services
            if (one.became, one.disconnects) == (became, disconnects) and one.component not in told
        ]
        names = list(dict.fromkeys(one.component for one in inside))
        told |= set(names)
        if names:
            single, several, past = VERBS[became]
            verb = past if done else (single if len(names) == 1 else several)
            found.append(f"{words.listed(names)} {verb}{_meaning(became, inside, done)}")
    return found


def _meaning(became: str, services: Sequence[Service], done: bool) -> str:
    connected = list(dict.fromkeys(each for one in services if one.disconnects for each in one.connected))
    if connected:
        were = "were" if done else "are"
        return f": programs that {were} connected ({', '.join(connected)}) connect again by themselves"
    return f", nobody {'was' if done else 'is'} disconnected" if became == "reloaded" else ""


def as_json(summary: Summary) -> str:
    """The same as one object, and all of it."""
    content = {
        "host": summary.host,
        "at": f"{summary.at:%Y-%m-%dT%H:%M:%SZ}",
        "seconds": round(summary.seconds, 1),
        "ok": summary.phase != "failed",
        "dry": summary.phase == "foreseen",
        "changed": summary.changed,
        "mailboxes": summary.mailboxes,
        "changes": [_change(one, summary) for one in summary.changes],
        "undone": [_change(one, summary) for one in summary.undone],
        "keys": list(summary.keys),
        "packages": list(summary.packages),
        "brought": list(summary.brought),
        "steps": [asdict(one) for one in summary.parts],
        "services": [asdict(one) for one in summary.services],
        "asks": list(summary.asks),
        "next": list(summary.next),
        "lines": lines(summary),
    }
    return json.dumps(content, ensure_ascii=False, indent=2) + "\n"


def _change(change: Change, summary: Summary) -> dict[str, object]:
    """A password is but said to be another: not even its digest stands here."""
    shown = asdict(change)
    for side in ("old", "new"):
        shown[side] = {name: value for name, value in shown[side].items() if name != "password"}
    told = {"line": words.line(change, summary.messages, summary.quota, summary.kept)}
    if change.kind == "mailbox" and change.name in summary.messages:
        told["messages"] = summary.messages[change.name]  # type: ignore[assignment]
    return {**shown, **told}


def write(summary: Summary, directory: Path) -> Path:
    """Put it into ``directory``, under a name of the host's own; returns its path."""
    return reports.keep(directory, summary.host, "run.json", as_json(summary))
