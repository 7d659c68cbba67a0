"""Changes as people say them. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from deploys.summary.changes import Change
from deploys.values import sizes

FIRST = 10  # of a kind are told one by one; all of them stand in the report
LONGEST = 60  # characters of an option's value
MARK = {"+": "+", "-": "–", "~": "~"}
KINDS = {"mailbox": "mailboxes", "alias": "aliases", "option": "options", "domain": "domains", "catch-all": "domains"}


def lines(
    changes: Iterable[Change], messages: Mapping[str, int], quota: tuple[int, int], kept: str = "stay"
) -> list[str]:
    """A line for each, the first of many and a count. ``messages``: how many each mailbox that goes has, and ``kept``
    what becomes of them; ``quota``: the server's own, before and after, in bytes."""
    groups: dict[tuple[str, str], list[Change]] = {}
    for change in changes:
        groups.setdefault((change.kind, change.sign), []).append(change)
    found = []
    for (kind, _), inside in groups.items():
        found += [line(change, messages, quota, kept) for change in inside[:FIRST]]
        if len(inside) > FIRST:
            rest = len(inside) - FIRST
            found.append(f"{MARK[inside[0].sign]} and {rest:,} more {KINDS.get(kind, kind)}")
    return found


def line(change: Change, messages: Mapping[str, int], quota: tuple[int, int], kept: str = "stay") -> str:
    """One change, such as ``~ ibrahim@example.com: password, quota 5G to 6G``."""
    return f"{MARK[change.sign]} {_OF[change.kind](change, messages, quota)}{_goes(change, messages, kept)}"


def _goes(change: Change, messages: Mapping[str, int], kept: str) -> str:
    gone = change.kind == "mailbox" and change.sign == "-" and not change.became
    count = messages.get(change.name) if gone else 0
    return f" ({count_of(count)} {kept})" if count else ""


def _mailbox(change: Change, messages: Mapping[str, int], quota: tuple[int, int]) -> str:
    if change.became:
        return f"{change.name} is now {change.became}"
    if change.sign in "+-":
        return change.name
    return f"{change.name}: {', '.join(_attribute(name, change, quota) for name in change.new)}"


def _attribute(name: str, change: Change, quota: tuple[int, int]) -> str:
    old, new = change.old.get(name), change.new.get(name)
    if name == "password":
        return "password"
    if name == "quota":
        was, is_now = (
            size(given if given is not None else usual) for given, usual in zip((old, new), quota, strict=True)
        )
        return f"quota {was} to {is_now}"
    return f"{name} {_from_to(old, new)}"


def size(number: int) -> str:
    """Bytes as people write them; no limit is ``none``."""
    return sizes.in_words(number) if number else "none"


def _domain(change: Change, *_: object) -> str:
    if change.became:
        return f"domain {change.name} is now {change.became}"
    if change.sign == "~":
        told = (f"{name} {_from_to(change.old.get(name), change.new.get(name))}" for name in change.new)
        return f"domain {change.name}: {', '.join(told)}"
    return f"domain {change.name}"


def _alias(change: Change, *_: object) -> str:
    return f"{change.name} {_leads(change)}"


def _catch_all(change: Change, *_: object) -> str:
    return f"any other address of {change.name} {_leads(change)}"


def _postmaster(change: Change, *_: object) -> str:
    return f"postmaster: {_from_to(*(', '.join(one.get('to', ())) or None for one in (change.old, change.new)))}"


def _leads(change: Change) -> str:
    then, now = change.old.get("to", []), change.new.get("to", [])
    if change.sign == "+":
        return f"reaches {', '.join(now)}"
    if change.sign == "-":
        return f"no longer reaches {', '.join(then)}"
    come, gone = [one for one in now if one not in then], [one for one in then if one not in now]
    if come and gone:
        return f"now reaches {', '.join(come)}, no longer {', '.join(gone)}"
    if come:
        return f"now also reaches {', '.join(come)}"
    return f"no longer reaches {', '.join(gone)}" if gone else f"reaches {', '.join(now)}"


def _option(change: Change, *_: object) -> str:
    old, new = change.old.get("value"), change.new.get("value")
    if change.sign == "+":
        return f"{change.name}: {value(new)}"
    return f"{change.name} (was {value(old)})" if change.sign == "-" else f"{change.name}: {_from_to(old, new)}"


def _from_to(old: Any, new: Any) -> str:
    if old is None or new is None:
        return value(new) if old is None else f"no longer {value(old)}"
    return f"{value(old)} to {value(new)}"


def value(given: Any) -> str:
    """An option's value as mail.yaml could have it, and no longer than anybody reads."""
    if isinstance(given, str):
        text = given or '""'
    elif isinstance(given, int) and not isinstance(given, bool) and given >= 1 << 20:
        text = sizes.in_words(given)
    elif isinstance(given, float):
        text = f"{given:g}"
    elif isinstance(given, list):
        text = ", ".join(map(value, given)) or "none"
    else:
        text = json.dumps(given, ensure_ascii=False)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def brought(said: Sequence[str]) -> list[str]:
    """Of messages that lay elsewhere (operations.brought): how many of each mailbox are here, and which are not."""
    rows = [line.split(" ", 2) for line in said]
    good = [
        f"{login} ({count_of(int(more[0]))})" if more else login for word, login, *more in rows if word == "brought"
    ]
    rest = f" and {len(good) - FIRST:,} more" if len(good) > FIRST else ""
    bad = [f"! {row[1]}: its messages are NOT copied, and stay where they were; the next run tries again ({row[2]})"
           for row in rows if row[0] == "unbrought"]  # fmt: skip
    return [*([f"+ messages copied into our store: {', '.join(good[:FIRST])}{rest}"] if good else []), *bad]


def count_of(messages: int) -> str:
    """``2,140 messages``."""
    return f"{messages:,} message{'' if messages == 1 else 's'}"


def listed(names: Sequence[str]) -> str:
    """``Postfix, Dovecot and Apache``."""
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else "".join(names)


_OF: dict[str, Callable[[Change, Mapping[str, int], tuple[int, int]], str]] = {
    "mailbox": _mailbox,
    "domain": _domain,
    "alias": _alias,
    "catch-all": _catch_all,
    "postmaster": _postmaster,
    "option": _option,
}
