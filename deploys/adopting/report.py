"""What was found, for a terminal: counts, never a secret."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from pathlib import Path

from deploys.adopting.write import Written
from deploys.result import harmless

WIDTH = 110
MOST = 6  # names in one line


def report(title: str, path: Path, made: Written) -> str:
    """``title``: which server it is; ``path``: where the mail.yaml lies that describes it."""
    rows = list(_rows(made))
    wide = max(len(word) for word, _ in rows)
    lines = [title, *(f"  {word:{wide}}  {harmless(text)}" for word, text in rows)]
    if made.not_understood:
        lines.append("  not understood, or not as it was:")
    for one in made.not_understood:
        lines += textwrap.wrap(harmless(one), WIDTH, initial_indent="  - ", subsequent_indent="    ")
    return "\n".join([*lines, f"  {path}: look through it; nothing was changed on the host"])


def _rows(made: Written) -> Iterator[tuple[str, str]]:
    options = made.options
    yield "hostname", str(options["hostname"])
    yield "domains", _counted(list(options["domains"]))
    yield "mailboxes", _counted(list(options["mailboxes"]))
    if aliases := options.get("aliases"):
        yield "aliases", _counted(list(aliases))
    for word in ("catch_all", "messages_from"):
        if word in options:
            yield word, _counted([f"{one}" for one in options[word]])
    if options.get("accounts"):
        yield "accounts", f"{options['accounts']}, with the passwords that they have"
    if relay := options.get("relayhost"):
        yield "relayhost", f"{relay['host']}:{relay['port']}"
    if webmail := options.get("webmail"):
        yield "webmail", str(webmail["hostname"])
    if made.files:
        yield "secrets", f"in {', '.join(made.files)}"


def _counted(names: list[str]) -> str:
    more = ", …" if len(names) > MOST else ""
    return f"{len(names)}: {', '.join(names[:MOST])}{more}"
