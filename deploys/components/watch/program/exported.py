"""The numbers of a look, in files that node_exporter's textfile collector reads."""

from __future__ import annotations

import os
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from deploys.components.watch.program import looks
from deploys.components.watch.program.measures import Measure, Page, exposition
from deploys.result import VERDICTS, CheckResult, severity

NAME = "posthaus"


def export(declared: Sequence[Sequence[Any]], directory: Path) -> None:
    """Look, and write ``posthaus.prom``, and ``posthaus-NAME.prom`` for each program that tells numbers of its own: in
    a file apart, so that what is wrong with one spoils no other. Who tells nothing has none: old numbers mislead."""
    began = time.monotonic()
    found = looks.whole(declared)
    measures = [*(one for one in found if isinstance(one, Measure)), *summed_up(found)]
    took = Measure("look_duration_seconds", round(time.monotonic() - began, 3))
    own = exposition([*measures, took, Measure("look_timestamp_seconds", round(time.time()))])
    pages = {f"{NAME}-{one.of}.prom": one.text for one in found if isinstance(one, Page)}
    for name, text in {f"{NAME}.prom": own, **pages}.items():
        put(directory / name, text)
    for path in directory.glob(f"{NAME}-*.prom"):
        if path.name not in pages:
            path.unlink()


def summed_up(found: Iterable[looks.Told]) -> Iterator[Measure]:
    """How many lines of each group say what, and what the worst of them says."""
    results = [one for one in found if isinstance(one, CheckResult)]
    counts = Counter((one.group, one.verdict) for one in results)
    for group in sorted({one.group for one in results}):
        for verdict in VERDICTS:
            yield Measure("checks", counts[group, verdict], {"group": group, "verdict": verdict.lower()})
    yield Measure("severity", severity(results))


def put(path: Path, text: str) -> None:
    """Whole or not at all, and readable by all. The name of before is nobody's to guess."""
    handle, new = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            os.fchmod(file.fileno(), 0o644)
        Path(new).replace(path)
    except BaseException:
        Path(new).unlink(missing_ok=True)
        raise
