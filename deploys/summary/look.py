"""What a host's own tables say before a run, and what they will say after it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from deploys.components import all as every
from deploys.components.component import Component, Context, Known, Table
from deploys.config.mailserver import MailServer
from deploys.summary.changes import Change, changes, publishes_anew
from deploys.values.names import domain_of
from facts.redact import redacted
from facts.rows import Messages, Rows
from facts.survey import Question, question
from facts.tree import Tree, TreeState
from operations.file import File
from operations.survey import ask, together


@dataclass(frozen=True)
class Both:
    """One table: its text before (None: it was not there) and after, secrets told apart only."""

    table: Table
    before: str | None
    after: str

    @property
    def same(self) -> bool:
        return self.before == self.after


@dataclass(frozen=True)
class Seen:
    """One host before its run: the tables that become others; ``mailboxes``: how many it had, and will have;
    ``messages``: how many lie in those that go."""

    context: Context
    tables: tuple[Both, ...] = ()
    fresh: bool = False
    mailboxes: tuple[int, int] = (0, 0)
    quota: tuple[int, int] = (0, 0)
    messages: Mapping[str, int] = field(default_factory=dict)

    def changes(self, landed: Iterable[str] | None = None) -> list[Change]:
        """What becomes different. ``landed``: the paths of the tables that were put in place; None: all will be."""
        paths = None if landed is None else set(landed)
        kept = [one for one in self.tables if paths is not None and one.table.path not in paths]
        before, _ = known(self.tables)
        _, after = known([replace(one, after=one.before or "") if one in kept else one for one in self.tables])
        return changes(before, after, moved(self.context.mail, before))

    @property
    def publishes_anew(self) -> bool:
        """Whether what the DNS must publish is different, but for keys; False too where the host does not know it."""
        return publishes_anew(*known(self.tables))


def look(context: Context, found: Sequence[Component]) -> Seen:
    """Ask the host. Nothing is read where all tables are as declared."""
    files = {f"{tree.target}/{path}": file for tree in every.trees(found) for path, file in tree.files.items()}
    tables = [(table, files[table.path]) for table in every.tables(found) if table.path in files]
    there = {table.path: _there(table) for table, _ in tables}
    declared = len(context.mail.mailboxes)
    if all(_is_same(there[table.path], file) for table, file in tables):
        return Seen(context, mailboxes=(declared, declared))
    both = list(_read(tables, there))
    before, after = known(both)
    gone = [one.name for one in changes(before, after, moved(context.mail, before)) if _goes(one)]
    return Seen(
        context,
        tuple(both),
        fresh=all(one.before is None for one in both),
        mailboxes=(len(before.get("mailbox", {})), declared),
        quota=(_quota(before, context.mail.quota), context.mail.quota),
        messages=_messages(context.mail, gone) if gone else {},
    )


def known(tables: Iterable[Both]) -> tuple[Known, Known]:
    """What all tables say together, before and after. What only adds attributes counts where it was there before."""
    before: Known = {}
    after: Known = {}
    for one in sorted(tables, key=lambda both: both.table.adds):
        if one.table.adds and one.before is None:
            continue
        then = one.table.read(one.before or "")
        _merge(before, then, one.table.adds)
        _merge(after, then if one.same else one.table.read(one.after), one.table.adds)
    return before, after


def moved(mail: MailServer, before: Known) -> dict[str, str]:
    """Who is now somebody else: former address or domain to what it has become (the option ``formerly``)."""
    domains = dict(_former(mail.domain_settings))
    found = {**domains, **dict(_former(mail.mailboxes))}
    for address in before.get("mailbox", {}):
        if address not in found and (domain := domains.get(domain_of(address))):
            found[address] = f"{address.rpartition('@')[0]}@{domain}"
    return found


def _former(named: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    for name, options in named.items():
        former = getattr(options, "formerly", None) or ()
        yield from ((old, name) for old in ((former,) if isinstance(former, str) else former))


def _merge(into: Known, said: Known, adds: bool) -> None:
    for kind, rows in said.items():
        there = into.setdefault(kind, {})
        for key, attributes in rows.items():
            if key in there:
                there[key] = {**there[key], **attributes}
            elif not adds or kind not in ("mailbox", "domain"):
                there[key] = attributes


def _of_table(table: Table) -> Question[TreeState]:
    directory, _, name = table.path.rpartition("/")
    return question(Tree, target=directory, paths=[name])


def _there(table: Table) -> str | None:
    """The digest of the table on the host; None: there is none."""
    on_disk = ask(_of_table(table)).files.get(table.path.rpartition("/")[2])
    return on_disk.sha256 if on_disk else None


def _is_same(sha256: str | None, file: File) -> bool:
    return sha256 == file.sha256


def _read(tables: Sequence[tuple[Table, File]], there: Mapping[str, str | None]) -> Iterable[Both]:
    other = {table: question(Rows, path=table.path, hides=table.hides) for table, file in tables if there[table.path]}
    asked = {table: other[table] for table, file in tables if table in other and not _is_same(there[table.path], file)}
    with together(asked.values()):
        for table, file in tables:
            after = redacted(file.data.decode(errors="replace"), table.hides)
            before = ask(asked[table]) if table in asked else (after if there[table.path] else None)
            yield Both(table, before, after)


def _goes(change: Change) -> bool:
    return change.kind == "mailbox" and (change.sign == "-" or bool(change.became))


def _messages(mail: MailServer, gone: Sequence[str]) -> dict[str, int]:
    if mail.accounts == "virtual":
        return ask(question(Messages, addresses=gone))
    stored = ask(question(Messages, users=[address.partition("@")[0] for address in gone]))
    return {one: stored[one.partition("@")[0]] for one in gone if one.partition("@")[0] in stored}


def _quota(before: Known, declared: int) -> int:
    said = before.get("option", {}).get("quota", {}).get("value")
    return said if isinstance(said, int) else declared
