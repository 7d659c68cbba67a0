"""Address books of an old SquirrelMail: LOGIN.abook, a contact a line (its functions/abook_local_file.php)."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from pathlib import Path

from deploys.addressbooks import personal, vcards
from deploys.addressbooks.contact import Contact, Wrong, plain
from deploys.addressbooks.personal import Personal
from deploys.config.addresses.options import Directory
from deploys.values import files

FIELDS = 5  # nickname, first name, last name, address, label


@dataclass
class Kept:
    """By address of their owner: contacts, and what else is theirs. ``nobodys``: files of nobody with a mailbox."""

    books: dict[str, list[Contact]] = field(default_factory=dict)
    people: dict[str, Personal] = field(default_factory=dict)
    nobodys: list[str] = field(default_factory=list)


def read(name: str, charset: str, directory: Directory) -> Kept:
    """What lies in SquirrelMail's data directory ``name``. ``charset``: of what is not UTF-8, "" if that was not said.
    Wrong says all that is wrong."""
    try:
        place = files.home(name)
        if not place.is_dir():
            raise ValueError("is no directory")
        # below directories of a letter each, where there were many people
        paths = sorted(path for path in place.rglob("*") if path.suffix in (".abook", *personal.SUFFIXES))
    except (OSError, ValueError) as error:
        raise Wrong(f"squirrelmail: {name}: {error}; give the data directory of the old SquirrelMail") from None
    if not paths:
        what = "holds no .abook, .sig or .pref; give the data directory ($data_dir in its config.php)"
        raise Wrong(f"squirrelmail: {name}: {what}")
    kept = Kept()
    problems: list[str] = []
    for path in paths:
        owners = owners_of(path.stem, directory)
        if len(owners) > 1:
            problems.append(f"{path}: may be of {' or '.join(owners)}; rename it to ADDRESS{path.suffix}")
        elif not owners:
            kept.nobodys.append(str(path))
        elif path.suffix == ".abook":
            kept.books.setdefault(owners[0], []).extend(_book(path, charset, problems))
        elif (text := _text(path, charset, problems)) is not None:
            personal.put(kept.people.setdefault(owners[0], Personal()), path, text)
    if problems:
        raise Wrong("\n".join(problems))
    return kept


def owners_of(login: str, directory: Directory) -> list[str]:
    """Whose mailbox here a login at the old SquirrelMail may stand for: the address, or what is before its @."""
    login = login.lower()
    if "@" in login:
        return [login] if login in directory.mailboxes else []
    return [one for domain in directory.domains if (one := f"{login}@{domain}") in directory.mailboxes]


def _text(path: Path, charset: str, problems: list[str]) -> str | None:
    try:
        data = files.content(path, vcards.MOST)
    except OSError as error:
        problems.append(f"{path}: {error.strerror}")
        return None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        at = data.count(b"\n", 0, error.start) + 1
        try:
            return data.decode(charset or "ascii")
        except (UnicodeDecodeError, LookupError):
            problems.append(f"{path}:{at}: is not UTF-8; say what it is, such as --data charset=iso-8859-1")
            return None


def _book(path: Path, charset: str, problems: list[str]) -> list[Contact]:
    contacts = []
    for number, line in enumerate((_text(path, charset, problems) or "").split("\n"), 1):
        try:
            row = next(csv.reader([line.strip("\r\0")], delimiter="|"), [])
        except csv.Error:  # of an absurd length
            row = [""]
        if len(row) >= FIELDS:
            contacts.append(_contact(*map(plain, row[:FIELDS])))
        elif line.strip():
            problems.append(f"{path}:{number}: has {len(row)} fields, not {FIELDS}; mend it or take it out")
    return contacts


def _contact(nickname: str, first: str, last: str, email: str, label: str) -> Contact:
    name = f"{first} {last}".strip() or nickname or email
    emails = ((email, ""),) if email else ()
    lines = vcards.lines(name, first, last, nickname, label)
    return Contact(name, first, last, nickname, label, emails, lines)
