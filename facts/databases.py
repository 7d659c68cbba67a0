"""What the SQL databases hold that Postfix and Dovecot ask on a host that somebody else set up."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pyinfra.api import FactBase, QuoteString, StringCommand
from typing_extensions import override

from facts import shell
from facts.record import Record

_PROGRAM = shell.text("databases.sh")
Row = dict[str, Any]


@dataclass(frozen=True)
class Database(Record):
    """One database. ``kind``: mysql, pgsql or sqlite; ``file``: where the host's own configuration says how to ask it.
    ``columns``: of every table; ``rows``: of the tables that were wanted (they hold password hashes); ``errors``: what
    the client said instead."""

    kind: str
    name: str
    file: str
    columns: dict[str, tuple[str, ...]] = field(default_factory=dict)
    rows: dict[str, tuple[Row, ...]] = field(default_factory=dict, repr=False)
    errors: tuple[str, ...] = ()


@dataclass(frozen=True)
class Asked(Record):
    """A query of the host's configuration: ``what`` asks it (virtual_alias_maps, password_query), ``file`` has it."""

    what: str
    file: str
    text: str


@dataclass(frozen=True)
class DatabaseState(Record):
    """``queries``: as Postfix and Dovecot ask; ``scheme``: of hashes that name none (default_pass_scheme)."""

    databases: tuple[Database, ...] = ()
    queries: tuple[Asked, ...] = ()
    scheme: str = ""

    @override
    def to_json(self) -> dict[str, Any]:
        """What pyinfra prints: how many rows there are, and none of them, for they hold password hashes."""
        told = super().to_json()
        for one in told["databases"]:
            one["rows"] = {table: len(rows) for table, rows in one["rows"].items()}
        return told


class Databases(FactBase[DatabaseState]):
    """The ``wanted`` columns, by table, of every SQL database that Postfix and Dovecot of this host ask, read with the
    host's own client (mariadb, psql, sqlite3) as they would. Changes nothing: the transactions may only read.

    ``pyinfra inventory.py fact facts.databases.Databases wanted='{"mailbox": ["username"]}'``
    """

    default = DatabaseState

    @override
    def command(self, wanted: Mapping[str, list[str]]) -> StringCommand:
        tables = "\n".join(" ".join([table, *columns]) for table, columns in wanted.items())
        return StringCommand("env", QuoteString(f"WANTED={tables}"), "sh -c", QuoteString(_PROGRAM))

    @override
    def process(self, output: list[str]) -> DatabaseState:
        found: list[Database] = []
        queries: list[Asked] = []
        scheme = ""
        for line in output:
            kind, _, rest = line.partition(" ")
            if kind == "database":
                found.append(Database(*_three(rest)))
            elif kind == "query" or (kind == "dovecot" and rest.partition(" ")[0] != "default_pass_scheme"):
                queries.append(Asked(*_three(rest)))
            elif kind == "dovecot":
                scheme = scheme or _three(rest)[2].strip()
            elif found:
                found[-1] = _more(found[-1], kind, rest)
        return DatabaseState(tuple(found), tuple(dict.fromkeys(one for one in queries if one.text)), scheme)


def _three(text: str) -> tuple[str, str, str]:
    first, _, rest = text.partition(" ")
    second, _, third = rest.partition(" ")
    return first, second, third


def _more(base: Database, kind: str, rest: str) -> Database:
    """``base`` with what one more line of its section says."""
    columns, rows, errors = dict(base.columns), dict(base.rows), base.errors
    word, _, text = rest.partition(" ")
    if kind == "column":
        columns[word] = (*columns.get(word, ()), text)
    elif kind == "row":
        rows[word] = (*rows.get(word, ()), json.loads(text))
    elif kind == "error":
        errors = (*errors, rest)
    return Database(base.kind, base.name, base.file, columns, rows, errors)
