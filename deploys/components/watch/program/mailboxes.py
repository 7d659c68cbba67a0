"""How full people's mailboxes are, by Dovecot's own count (doveadm-quota(1))."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from deploys.components.watch.program.amounts import count, size
from deploys.components.watch.program.measures import Measure
from deploys.components.watch.program.shell import Unanswered, said
from deploys.result import Check, CheckResult

GROUP = "mailboxes"
FULL = 95  # per cent
LARGEST = 10  # are told one by one, and those that are full


def mailboxes(probe: str) -> Iterator[CheckResult | Measure]:
    """A result for all, one for each of the largest and each full one. ``probe``: the login that is nobody's."""
    # Dovecot 2.3 lists all, and then complains of files that have no list of their own: what it says counts.
    found = quotas(said("doveadm", "-f", "tab", "quota", "get", "-A", check=False))
    if not found:
        raise Unanswered("doveadm quota get -A says nothing")
    people = {login: amounts for login, amounts in found.items() if login != probe}
    yield from results(people)
    yield from measures(people)


def quotas(text: str) -> dict[str, tuple[int, int]]:
    """``{login: (bytes, the most)}``, 0 for no limit; doveadm counts in kibibytes and writes ``-`` for no limit."""
    rows = [line.split("\t") for line in text.splitlines()]
    storage = [row for row in rows if len(row) > 4 and row[2] == "STORAGE"]
    return {row[0]: (_number(row[3]) * 1024, _number(row[4]) * 1024) for row in storage}


def _number(word: str) -> int:
    return int(word) if word.isdigit() else 0


def results(found: Mapping[str, tuple[int, int]]) -> Iterator[CheckResult]:
    """``found``: as ``quotas`` says it."""
    order = sorted(found, key=lambda login: (-found[login][0], login))
    full = [login for login in order if _full(*found[login])]
    total = sum(used for used, _ in found.values())
    about = Check("mailboxes", GROUP, "all mailboxes", f"below {FULL} % of their quota")
    yield about.result(f"{count(len(found), 'mailbox')}, {size(total)}; {len(full)} full", True)
    for login in dict.fromkeys([*full, *order[:LARGEST]]):
        used, most = found[login]
        about = Check(f"mailboxes.{login}", GROUP, login, f"below {FULL} %")
        share = f"{100 * used / most:.0f} % ({size(used)} of {size(most)})" if most else f"{size(used)}, no limit"
        remedy = f"raise mailboxes.{login}.quota, or have them delete mail and empty Trash; at 100 % mail is refused"
        yield about.result(share, True, remedy if login in full else "")


def measures(found: Mapping[str, tuple[int, int]]) -> Iterator[Measure]:
    """The same as numbers, of nobody by name."""
    sizes = [used for used, _ in found.values()]
    yield Measure("mailboxes", len(found))
    yield Measure("mailboxes_full", sum(_full(*amounts) for amounts in found.values()))
    yield Measure("mailboxes_bytes", sum(sizes))
    yield Measure("mailbox_largest_bytes", max(sizes, default=0))
    yield Measure(
        "mailbox_fullest_ratio", round(max((used / most for used, most in found.values() if most), default=0), 4)
    )


def _full(used: int, most: int) -> bool:
    return bool(most) and 100 * used > FULL * most
