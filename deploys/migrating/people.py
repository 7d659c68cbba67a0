"""Whose mailboxes come from where: what was said on the command line, and in a CSV of many. All errors at once."""

from __future__ import annotations

import csv
import io
import re
import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from deploys.config.addresses.options import Directory
from deploys.values import files

COLUMNS = ("address", "server", "login", "password")
PORTS = {"": 993, "993": 993, "143": 143}
_SERVER = re.compile(r"(?P<name>[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:]+\])(?::(?P<port>\d*))?")
WORDS = ("mailbox", "server", "login", "password_file", "people", "ca", "tls", "at_once")


class Wrong(ValueError):
    """Every error, a line each, as the operator wrote what is wrong."""


@dataclass(frozen=True)
class Person:
    """``address``: whose mailbox here, ``mailbox``: its login, ``formerly``: what the address was before. ``server``,
    ``port``, ``login``, ``password``: there."""

    address: str
    mailbox: str
    server: str
    port: int
    login: str
    password: str = field(repr=False)
    formerly: tuple[str, ...] = ()


def read(said: Mapping[str, object], directory: Directory) -> list[Person]:
    """``said``: by WORDS, None for what was not said. Wrong says all that is wrong."""
    problems: list[str] = []
    rows, people = [], []
    for where, row in _rows(said, problems):  # as it is read, so that errors stand in the order of lines
        rows.append((where, row))
        people += [person for person in [_person(where, row, directory, problems)] if person]
    problems += _twice(rows)
    if problems:
        raise Wrong("\n".join(problems))
    return people


def authority(said: Mapping[str, object]) -> str:
    """Whom to trust: PEM text, ``system``, or "" where the operator said that nobody is verified. Wrong: neither."""
    ca, tls = said.get("ca"), said.get("tls")
    if tls is not None and tls != "unverified":
        raise Wrong(f"tls: {tls} is not known; say tls=unverified where anybody may pose as the old server, or nothing")
    if ca is not None and tls is not None:
        raise Wrong("tls: unverified contradicts ca; say one of them")
    if ca is None:
        return "" if tls else "system"
    try:
        text = files.content(files.home(str(ca))).decode("ascii", "replace")
    except (OSError, ValueError) as error:
        raise Wrong(f"ca: {ca}: {_why(error)}") from None
    if "-----BEGIN CERTIFICATE-----" not in text:
        raise Wrong(f"ca: {ca} holds no certificate; give the one (PEM) that signed the old server's")
    return text


def at_once(said: Mapping[str, object]) -> int:
    """How many mailboxes at a time."""
    text = str(said.get("at_once") or 4)
    if not text.isdecimal() or not 1 <= int(text) <= 32:
        raise Wrong(f"at_once: {text} is not from 1 to 32")
    return int(text)


def _rows(said: Mapping[str, object], problems: list[str]) -> Iterator[tuple[str, dict[str, str]]]:
    """Where each stands, and what it says by COLUMNS."""
    if said.get("people") is not None:
        beside = [word for word in ("mailbox", "login", "password_file") if said.get(word) is not None]
        problems += [f"{word}: stands beside people; the file says it of each" for word in beside]
        yield from _table(str(said["people"]), str(said.get("server") or ""), problems)
        return
    lacking = [word for word in ("mailbox", "server", "password_file") if said.get(word) is None]
    if lacking:
        needs = " ".join(f"--data {word}=…" for word in lacking)
        problems.append(f"say whose mailbox comes from where: {needs} (or many: --data people=people.csv)")
        return
    text = secret("password_file", str(said["password_file"]), problems)
    if text is not None:
        login = str(said.get("login") or said["mailbox"])
        password = text.splitlines()[0] if text else ""
        row = {"address": str(said["mailbox"]), "server": str(said["server"]), "login": login, "password": password}
        yield "", row


def _table(name: str, server: str, problems: list[str]) -> Iterator[tuple[str, dict[str, str]]]:
    text = secret("people", name, problems)
    if text is None:
        return
    rows = csv.reader(io.StringIO(text), delimiter=_delimiter(text), skipinitialspace=True, strict=True)
    try:
        head = [one.strip().lower() for one in next(rows, [])]
        wanted = [one for one in COLUMNS if one not in head and not (one == "login" or (one == "server" and server))]
        odd = [one for one in head if one not in COLUMNS]
        problems += [f"{name}:1: {one}: is missing among the columns: {', '.join(COLUMNS)}" for one in wanted]
        problems += [f"{name}:1: {one or 'a column without a name'}: is none of {', '.join(COLUMNS)}" for one in odd]
        twice = sorted({one for one in head if head.count(one) > 1} - set(odd))
        problems += [f"{name}:1: {one}: stands there twice" for one in twice]
        if wanted or odd or twice:
            return
        empty = True
        for cells in rows:
            where = f"{name}:{rows.line_num}: "
            if not any(cell.strip() for cell in cells):
                continue
            empty = False
            if len(cells) != len(head):
                mark = {",": "a comma", ";": "a semicolon"}.get(rows.dialect.delimiter, "a tab")
                problems.append(f"{where}has {len(cells)} columns, not {len(head)}; put what holds {mark} in quotes")
                continue
            row = {"server": server, "login": "", **dict(zip(head, cells, strict=True))}
            row = {word: cell if word == "password" else cell.strip() for word, cell in row.items()}
            yield where, {**row, "server": row["server"] or server, "login": row["login"] or row["address"]}
        if empty:
            problems.append(f"{name}: has nobody below the names of its columns")
    except csv.Error:  # its words may hold what stands there
        problems.append(f"{name}:{rows.line_num}: is no CSV; write quotes within quotes twice")


def _delimiter(text: str) -> str:
    """What stands between the columns: spreadsheets of many countries write semicolons."""
    head = text.partition("\n")[0]
    return max(",;\t", key=head.count)


def _person(where: str, row: dict[str, str], directory: Directory, problems: list[str]) -> Person | None:
    column = dict(zip(COLUMNS, COLUMNS, strict=True)) if where else {"address": "mailbox", "password": "password_file"}
    said = lambda key, text: f"{where}{column.get(key, key)}: {text}"  # noqa: E731
    found: list[str] = []
    address, server = row["address"].lower(), _SERVER.fullmatch(row["server"])
    if address not in directory.mailboxes:
        why = "is empty" if not address else f"{row['address']} is none of mail.yaml's mailboxes; declare it first"
        found.append(said("address", why))
    if not server or (server["port"] or "") not in PORTS:
        what = "is empty" if not row["server"] else f"{row['server']} is no server"
        found.append(said("server", f"{what}; write imap.example.org, or imap.example.org:143 for STARTTLS"))
    if not row["password"]:
        found.append(said("password", "is empty"))
    for key in ("login", "password"):
        if any(ord(one) < 32 or ord(one) == 127 for one in row[key]):
            found.append(said(key, "holds a control character"))
    problems += found
    if found or not server:
        return None
    login = directory.login(address)
    port = PORTS[server["port"] or ""]
    former = directory.renamed.get(address, ())
    return Person(address, login, server["name"].strip("[]"), port, row["login"], row["password"], former)


def _twice(rows: Iterable[tuple[str, dict[str, str]]]) -> list[str]:
    """Two at work in one mailbox, from one login, would take all of it twice."""
    first: dict[tuple[str, ...], str] = {}
    problems = []
    for where, row in rows:
        known = first.setdefault((row["address"].lower(),), where)
        if known != where:
            problems.append(
                f"{where}address: {row['address']} stands in line {known.split(':')[-2]}, too; what comes from a second"
                " place is a run of its own, with a file of its own"
            )
    return problems


def secret(word: str, name: str, problems: list[str]) -> str | None:
    """The text of a file that nobody else may read."""
    try:
        path = files.home(name)
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & 0o077:
            problems.append(f"{word}: others may read {name} (mode {mode:04o}); chmod 600 {name}")
            return None
        return files.content(path).decode("utf-8-sig")
    except UnicodeDecodeError:
        problems.append(f"{word}: {name} is not UTF-8; save it so")
    except (OSError, ValueError) as error:
        problems.append(f"{word}: {name}: {_why(error)}")
    return None


def _why(error: Exception) -> str:
    return str(error.strerror) if isinstance(error, OSError) else str(error)
