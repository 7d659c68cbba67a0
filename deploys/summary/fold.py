"""What pyinfra's operations did on one host, or would do, as a summary. Which components there are nobody says here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from pyinfra.api import Host, State
from pyinfra.api.state import StateOperationHostData

from deploys.components.component import Component, Run
from deploys.config.mailserver import MailServer
from deploys.summary.changes import Change
from deploys.summary.look import Seen
from deploys.summary.report import Part, Phase, Service, Summary
from operations import leaving, telling
from operations.telling import Doing

AS_ASKED = {
    "start": "started",
    "restart": "restarted",
    "reload-or-restart": "reloaded",
    "stop": "stopped",
}


@dataclass(frozen=True)
class Row:
    """One operation that changes something: whose it is, what it is called, what it said, and whether it succeeded."""

    component: str
    name: str
    doings: tuple[Doing, ...]
    succeeded: bool
    output: tuple[str, ...] = ()


def rows(state: State, host: Host, operations: Iterable[str]) -> Iterator[Row]:
    """Those of ``operations`` that change ``host``, in order: done if the run has begun to act, else to be done."""
    told = telling.of(host)
    said = told.begun if state.is_executing else told.foreseen
    for key in operations:
        data = state.ops[host].get(key)
        if data is None:
            continue
        name = sorted(state.op_meta[key].names)[0]
        component, _, step = name.rpartition(" | ")
        meta, doings = data.operation_meta, tuple(said.get(key, ()))
        if not state.is_executing:
            if _would(data):
                yield Row(component, step, doings, True)
        elif meta.is_complete() and (meta.did_change() or not meta.did_succeed()):
            yield Row(component, step, doings, meta.did_succeed(), tuple(meta.stdout_lines))


def _would(data: StateOperationHostData) -> bool:
    """Where nobody asked first (-y) nothing is foreseen."""
    return bool(data.operation_meta._maybe_is_change)


def finished(state: State, host: Host, operations: Iterable[str]) -> bool:
    """Whether each of ``operations`` came to its end on ``host``, and well."""
    metas = [state.ops[host][key].operation_meta for key in operations if key in state.ops[host]]
    return all(meta.is_complete() and meta.did_succeed() for meta in metas)


def summary(
    state: State,
    host: Host,
    operations: Sequence[str],
    seen: Seen,
    found: Sequence[Component],
    seconds: float,
    dns: str,
    follow: Iterable[str],
) -> Summary:
    """Of one host: what became of ``operations``, as pyinfra calls them. ``dns``: what to do where records are other
    than before; ``follow``: what to do besides, where anything changed."""
    parts = list(rows(state, host, operations))
    phase: Phase = "foreseen" if not state.is_executing else ("done" if finished(state, host, operations) else "failed")
    landed = _landed(parts)
    made = seen.changes(landed) if phase == "failed" else seen.changes()
    whole = seen.changes() if phase == "failed" else made
    keys = _details(parts, "keys")
    told = Summary(
        host=host.name,
        at=datetime.now(UTC),
        seconds=seconds,
        phase=phase,
        changes=made,
        undone=undone(whole, made),
        parts=[_part(row) for row in parts if row.succeeded],
        services=list(_services(parts, found, phase)),
        keys=keys,
        packages=_details(parts, "packages"),
        brought=_brought(parts),
        messages=seen.messages,
        quota=seen.quota,
        mailboxes=seen.mailboxes[1],
        steps=len(operations),
        tables=[one.table.path for one in seen.tables],
        fresh=seen.fresh,
        kept=kept(seen.context.mail),
    )
    if phase == "failed" or not told.changed:
        return told
    records = [dns] if seen.fresh or keys or seen.publishes_anew else []
    return Summary(**{**vars(told), "next": [*records, *follow]})


def kept(mail: MailServer) -> str:
    """What becomes of the messages of a mailbox that goes, behind their number."""
    return f"in the archive {leaving.until(mail.archive)}" if mail.accounts == "virtual" else "stay"


def undone(whole: Sequence[Change], made: Sequence[Change]) -> list[Change]:
    """Those of ``whole`` that are not among ``made``; each has a kind, sign and name of its own, so it is looked up. Of
    one that was made in part, what is missing."""
    there = {(one.kind, one.sign, one.name): one for one in made}
    rest = (_missing(one, there.get((one.kind, one.sign, one.name))) for one in whole)
    return [one for one in rest if one]


def _missing(whole: Change, made: Change | None) -> Change | None:
    """What of ``whole`` is not done where ``made`` is; what has come lacks attributes then, what has gone is gone."""
    if made is None or made.became != whole.became:
        return whole
    names = [name for name in whole.new if whole.new[name] != made.new.get(name)]
    if not names:
        return None
    old = {name: whole.old.get(name) for name in names}
    new = {name: whole.new[name] for name in names}
    return replace(whole, sign="~", name=whole.became or whole.name, old=old, new=new, became="")


def _part(row: Row) -> Part:
    files = [f"{one.about}/{path}" for one in row.doings if one.kind == "files" for path in one.details]
    return Part(row.component, row.name, tuple(files), bool(row.doings))


def _details(parts: Iterable[Row], kind: str) -> list[str]:
    return [each for row in parts if row.succeeded for one in row.doings if one.kind == kind for each in one.details]


def _brought(parts: Iterable[Row]) -> list[str]:
    """``brought LOGIN COUNT`` and ``unbrought LOGIN why`` as the host said it; before, whose messages it will be."""
    rows = [row for row in parts if any(one.kind == "brought" for one in row.doings)]
    said = [line for row in rows for line in row.output if line.startswith(("brought ", "unbrought "))]
    return said or [f"brought {one}" for one in _details(rows, "brought")]


def _landed(parts: Iterable[Row]) -> set[str]:
    """The files that are in place now: put, and not taken back where a unit did not run with them."""
    put: set[str] = set()
    for row in parts:
        back = [line.removeprefix("back ") for line in row.output if line.startswith("back ")]
        put = {path for path in put if not any(path.startswith(f"{target}/") for target in back)}
        put |= set(_part(row).files) if row.succeeded else set()
    return put


def _services(parts: Iterable[Row], found: Sequence[Component], phase: Phase) -> Iterator[Service]:
    connected = {one.name: tuple(dict.fromkeys(listener.what for listener in one.listens)) for one in found}
    ends = {run.service.unit for one in found for run in one.of(Run) if run.disconnects}
    for row in parts:
        for one in row.doings:
            if one.kind != "unit":
                continue
            seen = _observed(row.output, one.about)
            became = seen if phase != "foreseen" and seen else AS_ASKED.get(_asked(one), "")
            if became and (row.succeeded or seen):
                known = connected.get(row.component, ())
                gone = bool(known) and (became == "restarted" or (became == "reloaded" and one.about in ends))
                yield Service(row.component or one.about, one.about, became, known, gone)


def _asked(doing: Doing) -> str:
    return doing.details[0] if doing.details else ""


def _observed(output: Iterable[str], unit: str) -> str:
    """What the host itself says became of the unit (operations/converge.sh)."""
    words = (line.split() for line in output if line.startswith("unit "))
    return next((one[2] for one in words if len(one) == 3 and one[1] == unit), "")
