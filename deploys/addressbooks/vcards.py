"""Contacts as vCard 2.1, 3.0 (RFC 2426) and 4.0 (RFC 6350), any number in one file. All errors at once."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import vobject
from vobject.base import ContentLine, ParseError, VObjectError, getLogicalLines, textLineToContentLine

from deploys.addressbooks.contact import Contact, Wrong, plain
from deploys.values import files

MOST = 64 << 20  # bytes; pictures are in it
# What Roundcube shows and vCard 3.0 has. Pictures are not among it: they would be most of every backup.
KEPT = ("TEL", "TITLE", "ROLE", "URL", "NOTE", "BDAY")
NAME = ("family", "given", "additional", "prefix", "suffix")
ADDRESS = ("box", "extended", "street", "city", "region", "code", "country")
TYPES = ("HOME", "WORK", "CELL", "FAX", "PAGER", "VOICE", "VIDEO", "CAR", "MAIN", "PREF")


def read(name: str) -> list[Contact]:
    """The contacts of the file ``name``, groups left out. Wrong says all that is wrong with it."""
    contacts: list[Contact] = []
    problems: list[str] = []
    for number, (line, text) in enumerate(_cards(name, _text(name), problems), 1):
        try:
            found = _properties(text)
            contact = None if _is_group(found) else of(found)
        except _Unreadable as error:
            at = line + error.args[0] - 1
            problems.append(f"{name}:{at}: card {number} is no vCard that can be read; mend it or take it out")
            continue
        if contact and not contact.name:
            problems.append(f"{name}:{line}: card {number} has neither a name nor an e-mail address; take it out")
        elif contact:
            contacts.append(contact)
    if problems:
        raise Wrong("\n".join(problems))
    return contacts


def of(found: Mapping[str, Sequence[ContentLine]]) -> Contact:
    """What is kept of one. ``found``: its properties by name, as they are written."""
    told = {
        key: [text for one in found.get(key, ()) if (text := plain(_bare(one)))] for key in ("FN", "NICKNAME", *KEPT)
    }
    emails = tuple((text, _kind(one)) for one in found.get("EMAIL", ()) if (text := plain(_bare(one))))
    structured = dict(zip(NAME, _parts(found["N"][0]), strict=False)) if "N" in found else {}
    first, last = structured.get("given", ""), structured.get("family", "")
    organizations = [", ".join(filter(None, _parts(one))) for one in found.get("ORG", ())]
    shown = (*told["FN"], f"{first} {last}".strip(), *organizations, *(text for text, _ in emails))
    name = next(filter(None, shown), "")
    if not first and not last:
        first = structured["given"] = name
    nickname = "".join(told["NICKNAME"][:1])
    label = "; ".join(filter(None, (*organizations, *told["TITLE"], *told["TEL"], *told["NOTE"])))
    return Contact(name, first, last, nickname, label, emails, _lines(name, structured, nickname, found))


def lines(name: str, first: str, last: str, nickname: str, note: str = "") -> str:
    """A new vCard's, as Contact has them, of a contact that was none."""
    card = _named(name, {"given": first, "family": last}, nickname)
    if note:
        card.add("note").value = note
    return _open(card)


def _lines(name: str, structured: Mapping[str, str], nickname: str, found: Mapping[str, Sequence[ContentLine]]) -> str:
    card = _named(name, structured, nickname)
    values: list[tuple[str, ContentLine, Any]] = [(key, one, _bare(one)) for key in KEPT for one in found.get(key, ())]
    values += [("ORG", one, _parts(one)) for one in found.get("ORG", ())]
    for one in found.get("ADR", ()):
        parts = dict(zip(ADDRESS, _parts(one, str), strict=False))
        values.append(("ADR", one, vobject.vcard.Address(**parts) if "".join(parts.values()).strip() else ""))
    for key, one, value in values:
        if not value:
            continue
        new = card.add(key.lower())
        new.value = value
        if types := _types(one):
            new.type_param = types
    return _open(card)


def _named(name: str, structured: Mapping[str, str], nickname: str) -> Any:
    card = vobject.vCard()
    card.add("n").value = vobject.vcard.Name(**structured)
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


class _Unreadable(ValueError):
    """In which line of its card."""


def _properties(card: str) -> dict[str, list[ContentLine]]:
    """By name, quoted-printable decoded, else as they are written: what is behind a comma that nobody escaped is of
    the text, too."""
    found: dict[str, list[ContentLine]] = {}
    is_picture = False
    text = re.sub(r"(?i)(?<=[;=])quoted-printable(?=[;:])", "QUOTED-PRINTABLE", card)
    for line, number in getLogicalLines(io.StringIO(text), allowQP=True):
        try:
            one = textLineToContentLine(line, number)
        except ParseError as error:
            if is_picture:  # in 2.1 its lines may begin anywhere
                continue
            raise _Unreadable(max(number, 1)) from error
        except (VObjectError, ValueError, LookupError) as error:  # no such character, or character set
            raise _Unreadable(max(number, 1)) from error
        is_picture = bool({"B", "BASE64"} & {word.upper() for word in _said(one, "ENCODING")})
        found.setdefault(one.name.upper(), []).append(one)
    return found


def _is_group(found: Mapping[str, Sequence[ContentLine]]) -> bool:
    kinds = (one for key in ("KIND", "X-ADDRESSBOOKSERVER-KIND") for one in found.get(key, ()))
    return any(one.value.strip().lower() == "group" for one in kinds)


def _said(line: ContentLine, parameter: str) -> list[str]:
    """3.0 says TYPE=HOME, 4.0 TYPE="voice,home", and 2.1 HOME alone."""
    return [word.strip() for one in (*line.params.get(parameter, ()), *line.singletonparams) for word in one.split(",")]


def _types(line: ContentLine) -> list[str]:
    words = {word.upper() for word in _said(line, "TYPE")}
    return [one for one in TYPES if one in words]


def _kind(line: ContentLine) -> str:
    return next((one for one in _types(line) if one in ("HOME", "WORK")), "")


def _bare(line: ContentLine) -> str:
    """Its text; an address or a number without the scheme that 4.0 may write before it."""
    text = _unescaped(line.value).strip()
    scheme, colon, rest = text.partition(":")
    return rest if colon and scheme.lower() in ("mailto", "tel") and line.name.upper() in ("EMAIL", "TEL") else text


def _parts(line: ContentLine, clean: Callable[[str], str] = plain) -> list[str]:
    """What stands between semicolons."""
    return [clean(_unescaped(one)) for one in re.findall(r"((?:[^\\;]|\\.?)*)(?:;|$)", line.value, re.DOTALL)[:-1]]


def _unescaped(text: str) -> str:
    """A backslash stands before what would mean something else, and before n for a new line (RFC 6350, 3.4)."""
    return re.sub(r"\\(.)", lambda found: "\n" if found[1] in "nN" else found[1], text.replace("\r\n", "\n"))
