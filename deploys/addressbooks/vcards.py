"""Contacts as vCard 2.1, 3.0 (RFC 2426) and 4.0 (RFC 6350), any number in one file. All errors at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import vobject
from vobject.base import VObjectError

from deploys.addressbooks.contact import Contact, Wrong, plain
from deploys.values import files

MOST = 64 << 20  # bytes; pictures are in it
# What Roundcube shows and vCard 3.0 has. Pictures are not among it: they would be most of every backup.
KEPT = ("TEL", "ADR", "ORG", "TITLE", "ROLE", "URL", "NOTE", "BDAY", "CATEGORIES")
TYPES = ("HOME", "WORK", "CELL", "FAX", "PAGER", "VOICE", "VIDEO", "CAR", "MAIN", "PREF")


def read(name: str) -> list[Contact]:
    """The contacts of the file ``name``, groups left out. Wrong says all that is wrong with it."""
    contacts: list[Contact] = []
    problems: list[str] = []
    for number, (line, text) in enumerate(_cards(name, _text(name), problems), 1):
        try:
            card = vobject.readOne(text, allowQP=True)
            contact = None if _is_group(card) else of(card)
        except (VObjectError, ValueError, LookupError, AttributeError) as error:  # of what vobject does not foresee
            at = line + (getattr(error, "lineNumber", None) or 1) - 1
            problems.append(f"{name}:{at}: card {number} is no vCard that can be read; mend it or take it out")
            continue
        if contact and not contact.name:
            problems.append(f"{name}:{line}: card {number} has neither a name nor an e-mail address; take it out")
        elif contact:
            contacts.append(contact)
    if problems:
        raise Wrong("\n".join(problems))
    return contacts


def of(card: Any) -> Contact:
    """What is kept of one that vobject has read."""
    found: dict[str, list[Any]] = {}
    for one in card.getChildren():
        found.setdefault(one.name.upper(), []).append(one)
    emails = tuple((_bare(one.value), _kind(one)) for one in found.get("EMAIL", ()) if _bare(one.value))
    structured = found["N"][0].value if "N" in found else None
    first = plain(_joined(getattr(structured, "given", "")))
    last = plain(_joined(getattr(structured, "family", "")))
    shown = plain(found["FN"][0].value) if "FN" in found else ""
    organizations = [plain(", ".join(filter(None, map(str, _list(one.value))))) for one in found.get("ORG", ())]
    name = shown or f"{first} {last}".strip() or "".join(organizations[:1]) or "".join(one for one, _ in emails[:1])
    if not first and not last:
        first = name
    nickname = plain(_joined(found["NICKNAME"][0].value)) if "NICKNAME" in found else ""
    about = [plain(_bare(one.value)) for key in ("TITLE", "TEL", "NOTE") for one in found.get(key, ())]
    label = "; ".join(filter(None, (*organizations, *about)))
    return Contact(name, first, last, nickname, label, emails, _lines(name, first, last, nickname, found))


def lines(name: str, first: str, last: str, nickname: str, note: str = "") -> str:
    """A new vCard's, as Contact has them, of a contact that was none."""
    card = _named(name, first, last, nickname)
    if note:
        card.add("note").value = note
    return _open(card)


def _lines(name: str, first: str, last: str, nickname: str, found: dict[str, list[Any]]) -> str:
    card = _named(name, first, last, nickname)
    if "N" in found and "".join(map(_joined, vars(found["N"][0].value).values())).strip():
        card.n.value = found["N"][0].value  # titles and further names, too
    for key in KEPT:
        for one in found.get(key, ()):
            new = card.add(key.lower())
            new.value = _bare(one.value) if isinstance(one.value, str) and key in ("TEL", "URL") else one.value
            if types := _types(one):
                new.type_param = types
    return _open(card)


def _named(name: str, first: str, last: str, nickname: str) -> Any:
    card = vobject.vCard()
    card.add("n").value = vobject.vcard.Name(family=last, given=first)
    card.add("fn").value = name
    if nickname:
        card.add("nickname").value = nickname
    return card


def _open(card: Any) -> str:
    text: str = card.serialize()
    return text.removesuffix("END:VCARD\r\n")


def _text(name: str) -> str:
    try:
        data = files.content(files.home(name), MOST)
    except (OSError, ValueError) as error:
        raise Wrong(f"from: {name}: {error.strerror if isinstance(error, OSError) else error}") from None
    charset = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return data.decode(charset)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise Wrong(f"{name}:{line}: is not UTF-8; save the file so") from None


def _cards(name: str, text: str, problems: list[str]) -> Iterator[tuple[int, str]]:
    """Each with the number of its first line."""
    begun, stray = 0, False
    rows: list[str] = []
    for number, row in enumerate(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"), 1):
        word = row.strip().upper().replace(" ", "")
        if word == "BEGIN:VCARD" and not begun:
            begun, rows = number, []
        elif word == "BEGIN:VCARD":
            problems.append(f"{name}:{begun}: the card that begins here has no END:VCARD")
            begun, rows = number, []
        elif not begun and word and not stray:
            problems.append(f"{name}:{number}: stands outside any card; each is from BEGIN:VCARD to END:VCARD")
        stray = not begun and bool(word)
        if begun:
            rows.append(row)
        if word == "END:VCARD" and begun:
            yield begun, "\r\n".join(rows) + "\r\n"
            begun = 0
    if begun:
        problems.append(f"{name}:{begun}: the card that begins here has no END:VCARD")
    elif not rows and not problems:
        problems.append(f"{name}: holds no vCard")


def _is_group(card: Any) -> bool:
    kinds = (one for one in card.getChildren() if one.name.upper() in ("KIND", "X-ADDRESSBOOKSERVER-KIND"))
    return any(str(one.value).lower() == "group" for one in kinds)


def _types(line: Any) -> list[str]:
    """Of what kind it is: 3.0 says TYPE=HOME, 4.0 TYPE="voice,home", and 2.1 HOME alone."""
    said = (*line.params.get("TYPE", ()), *line.singletonparams)
    words = {word.strip().upper() for one in said for word in one.split(",")}
    return [one for one in TYPES if one in words]


def _kind(line: Any) -> str:
    return next((one for one in _types(line) if one in ("HOME", "WORK")), "")


def _bare(value: object) -> str:
    """An address or a number without the scheme that 4.0 may write before it."""
    text = plain(value)
    scheme, colon, rest = text.partition(":")
    return rest if colon and scheme.lower() in ("mailto", "tel") else text


def _list(value: object) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def _joined(value: object) -> str:
    return " ".join(map(str, _list(value)))
