"""CheckResult, the unit of verify: something promised, what was seen of it, and what to do if the two differ."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

CONVERGE = "run deploys/mail.py"
Verdict = Literal["ok", "warn", "FAIL", "broken", "unknown"]
LONGEST = 4000  # characters of anything that a result says
TURNS = ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")  # Unicode Standard Annex 9
VERDICTS: tuple[Verdict, ...] = ("ok", "warn", "FAIL", "broken", "unknown")


@dataclass(frozen=True)
class CheckResult:
    """One promise. ``ok`` is None where nobody can know from here; a true result with a remedy is a warning.

    ``key``: what programs and rules know it by, such as ``refusals.relay``. It stays, whatever happens to the words of
    ``what``, and no two results of one report share it. ``echo``: it sums up others, at which a failure is counted.
    """

    key: str
    group: str
    what: str
    expected: str
    seen: str
    ok: bool | None
    remedy: str = ""
    echo: bool = False

    def __post_init__(self) -> None:
        """What strangers said (a greeting, a record, a report) moves no cursor, and is no longer than anybody reads."""
        for name in ("what", "expected", "seen", "remedy"):
            object.__setattr__(self, name, harmless(getattr(self, name)))

    @property
    def verdict(self) -> Verdict:
        """The word printed in the last column."""
        if self.ok is None:
            return "unknown"
        if self.echo and not self.ok:
            return "broken"
        if not self.ok:
            return "FAIL"
        return "warn" if self.remedy else "ok"


@dataclass(frozen=True)
class Check:
    """A question before its answer: all of a Line that does not depend on what is seen."""

    key: str
    group: str
    what: str
    expected: str

    def result(self, seen: str, ok: bool | None, remedy: str = "", echo: bool = False) -> CheckResult:
        """The answer."""
        return CheckResult(self.key, self.group, self.what, self.expected, seen, ok, remedy, echo)


def harmless(text: str) -> str:
    """``text`` with whatever a terminal or a browser would obey written out (``\\x1b``), and no longer than LONGEST."""
    short = text if len(text) <= LONGEST else f"{text[: LONGEST - 30]}… ({len(text)} characters)"
    return "".join(one if one == " " or not _obeyed(one) else ascii(one)[1:-1] for one in short)


def _obeyed(one: str) -> bool:
    # Controls, halves of characters, line ends, and marks that turn the direction of what follows.
    return unicodedata.category(one) in ("Cc", "Cs", "Zl", "Zp") or unicodedata.bidirectional(one) in TURNS


def matches(key: str, wanted: str) -> bool:
    """Whether ``wanted`` names this key. ``dns.ptr.*`` names ``dns.ptr`` and all that begins with ``dns.ptr.``"""
    return key == wanted or (wanted.endswith("*") and (key == wanted[:-2] or key.startswith(wanted[:-1])))


def failed(results: Sequence[CheckResult]) -> bool:
    """Whether any promise is broken; what is unknown breaks nothing, and proves nothing."""
    return any(result.ok is False and not result.echo for result in results)


def summary(results: Sequence[CheckResult]) -> str:
    """``31 ok, 1 FAIL, 1 unknown``"""
    count = Counter(result.verdict for result in results)
    return ", ".join(f"{count[verdict]} {verdict}" for verdict in VERDICTS if count[verdict])


def severity(results: Sequence[CheckResult]) -> int:
    """2: something fails; 1: something warns, or nobody could look at it; 0: all is well."""
    if failed(results):
        return 2
    return 1 if any(result.verdict in ("warn", "unknown") for result in results) else 0
