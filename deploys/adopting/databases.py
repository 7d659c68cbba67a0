"""What the SQL databases hold that Postfix and Dovecot of a host ask: the command that reads it, and its answer. Pure.

Not a fact: a fact's answer can be printed by pyinfra, and hashes of passwords are among it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pyinfra.api import QuoteString, StringCommand

from facts.shell import without_comments

_PROGRAM = without_comments((Path(__file__).parent / "databases.sh").read_text(encoding="utf-8"))
Row = dict[str, Any]


@dataclass(frozen=True)
class Database:
    """One database. ``kind``: mysql, pgsql or sqlite; ``file``: where the host's own configuration says how to ask it.
    ``columns``: of every table; ``rows``: of the tables that were wanted (they hold password hashes); ``errors``: what
    the client said instead."""

    kind: str
    name: str
    file: str
    columns: dict[str, tuple[str, ...]] = field(default_factory=dict)
    rows: dict[str, list[Row]] = field(default_factory=dict, repr=False)
    errors: tuple[str, ...] = ()


@dataclass(frozen=True)
class Asked:
    """A query of the host's configuration: ``what`` asks it (virtual_alias_maps, password_query), ``file`` has it."""

    what: str
    file: str
    text: str


@dataclass(frozen=True)
class DatabaseState:
    """``queries``: as Postfix and Dovecot ask; ``scheme``: of hashes that name none (default_pass_scheme)."""

    databases: tuple[Database, ...] = ()
    queries: tuple[Asked, ...] = ()
    scheme: str = ""


def command(wanted: Mapping[str, Sequence[str]]) -> StringCommand:
    """A command that says what stands in the ``wanted`` columns, by table, of every SQL database that Postfix and
    Dovecot ask, by the host's own client (mariadb, psql, sqlite3) as they would. Changes nothing: the transactions may
    only read. It has no secret in it."""
    tables = "\n".join(" ".join([table, *columns]) for table, columns in wanted.items())
    return StringCommand("env", QuoteString(f"WANTED={tables}"), "sh -c", QuoteString(_PROGRAM))


def read(lines: Iterable[str]) -> DatabaseState:
    """What that command printed."""
    found: list[Database] = []
    queries: list[Asked] = []
    scheme = ""
    for line in lines:
        kind, _, rest = line.partition(" ")
        if kind == "database":
            found.append(Database(*_three(rest)))
        elif kind == "query" or (kind == "dovecot" and rest.partition(" ")[0] != "default_pass_scheme"):
            queries.append(Asked(*_three(rest)))
        elif kind == "dovecot":
            scheme = scheme or _three(rest)[2].strip()
        elif found:
            _add(found[-1], kind, rest)
            if kind == "error":
                found[-1] = Database(**{**vars(found[-1]), "errors": (*found[-1].errors, rest)})
    return DatabaseState(tuple(found), tuple(dict.fromkeys(one for one in queries if one.text)), scheme)


def _three(text: str) -> tuple[str, str, str]:
    first, _, rest = text.partition(" ")
    second, _, third = rest.partition(" ")
    return first, second, third


def _add(database: Database, kind: str, rest: str) -> None:
    """What one more line of its section says."""
    table, _, text = rest.partition(" ")
    if kind == "column":
        database.columns[table] = (*database.columns.get(table, ()), text)
    elif kind == "row":
        database.rows.setdefault(table, []).append(json.loads(text))
