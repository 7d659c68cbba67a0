"""What a run may not take away unless somebody says that it is meant. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from deploys.summary.changes import Change
from deploys.summary.words import FIRST, count_of, listed
from deploys.values.names import domain_of

SHARE = 3  # more than one in so many mailboxes asks for a word
LEAST = 3  # and that many at least: of two mailboxes one is often meant


def wanted(changes: Iterable[Change], had: int) -> dict[str, list[str]]:
    """The words that must be typed, such as ``example.org`` and ``12-mailboxes``, each with the mailboxes that go.

    ``had``: how many mailboxes the host has. A domain that goes asks for its name; its mailboxes go with it, and the
    others are counted. What becomes another (``formerly``) is not taken away.
    """
    gone = [one for one in changes if one.sign == "-"]
    domains = sorted(one.name for one in gone if one.kind == "domain")
    by_domain: dict[str, list[str]] = {name: [] for name in domains}
    others: list[str] = []
    for one in gone:
        if one.kind == "mailbox":
            by_domain.get(domain_of(one.name), others).append(one.name)
    if len(others) >= LEAST and len(others) * SHARE > had:
        by_domain[f"{len(others)}-mailboxes"] = others
    return by_domain


def said(confirm: object) -> set[str]:
    """The words of ``--data confirm=…``: one, or several with commas between."""
    parts: Sequence[object] = confirm if isinstance(confirm, (list, tuple)) else str(confirm or "").split(",")
    return {str(one).strip().lower().rstrip(".") for one in parts if str(one).strip()}


def problem(
    words: Mapping[str, Sequence[str]],
    had: int,
    messages: Mapping[str, int],
    confirmed: set[str],
    kept: str = "stay on the disk",
) -> str:
    """Why the run stops, what would go, and how to say that it is meant; empty: it may go on. ``kept``: what becomes of
    messages."""
    if not words.keys() - confirmed:
        return ""
    parts = [_part(word, mailboxes, had, messages) for word, mailboxes in words.items()]
    return (
        f"this run would take away {listed(parts)}. Messages {kept}, but nobody could log in or receive. If"
        f" that is meant, add --data confirm={','.join(words)}; if not, look into mail.yaml"
    )


def _part(word: str, mailboxes: Sequence[str], had: int, messages: Mapping[str, int]) -> str:
    stored = sum(messages.get(address, 0) for address in mailboxes)
    named = ", ".join(mailboxes[:FIRST]) + (f" and {len(mailboxes) - FIRST:,} more" if len(mailboxes) > FIRST else "")
    inside = f" ({named}; {count_of(stored)})" if mailboxes else ""
    if word.endswith("-mailboxes"):
        return f"{len(mailboxes):,} of {had:,} mailboxes{inside}"
    return f"the domain {word} with {len(mailboxes):,} mailbox{'' if len(mailboxes) == 1 else 'es'}{inside}"
