"""YAML, read strictly: every key as it was written, the line it stands on, and nothing guessed.

PyYAML speaks YAML 1.1, where 0123 is 83, 12:30 is 750, ``no`` is false and 2024-01-01 a date. Here whatever would
change its meaning on the way is refused, by name.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from deploys.settings import Place, Problem
from deploys.values import files

_TAG = "tag:yaml.org,2002:"
_QUOTE = "write it as a quoted string"
_DECIMAL = re.compile(r"-?(0|[1-9][0-9]*)")
_FRACTION = re.compile(r"-?[0-9]+\.[0-9]*")
_DIGITS = 30  # no number here has more, and Python itself refuses some thousands
_BOOLEANS = {"yes": True, "true": True, "on": True, "no": False, "false": False, "off": False}
_VALUES: dict[str, Callable[[str], Any]] = {
    "str": str,
    "int": int,
    "float": float,
    "bool": lambda text: _BOOLEANS[text.lower()],
    "null": lambda text: None,
}
# NUL, which ends a text in C; half a character beyond U+FFFF, which "\ud800" makes and no program can write down.
_NO_TEXT = re.compile("[\x00\ud800-\udfff]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_DEEP = "is nested much deeper than anything here; close the brackets above"
LARGEST = 32 << 20  # bytes: some 200,000 mailboxes
DEEPEST = 40  # levels; mail.yaml has six
# Where a text may be deeper than that: so many blanks in front, or so many dashes on one line. (Brackets are counted.)
_INDENTED = re.compile(rf"^[ ]{{{DEEPEST}}}|^[ ]*(?:[-?:][ \t]+){{{DEEPEST // 4}}}", re.MULTILINE)


@dataclass
class Document:
    """What a YAML file says, where it says it (line numbers from 1), and what cannot be read."""

    path: Path
    value: dict[str, Any] = field(default_factory=dict)
    lines: dict[Place, int] = field(default_factory=dict)
    kinds: dict[Place, str] = field(default_factory=dict)  # of scalars: str, int, float, bool, null
    problems: list[Problem] = field(default_factory=list)
    room: int = 0  # how many more values may be built: an alias repeats, and aliases of aliases multiply

    def line(self, place: Place) -> int:
        """The line of ``place``, or of the nearest thing around it."""
        while place and place not in self.lines:
            place = place[:-1]
        return self.lines.get(place, 1)


class Unreadable(ValueError):
    """A file that is no YAML mapping at all; the message says where and why, without quoting the file."""


class _Loader(yaml.SafeLoader):
    """Only resolves tags; building is ours, so that keys stay as written and duplicates are seen."""


def read(path: Path) -> Document:
    """The document at ``path``; Unreadable if there is none to speak of."""
    text = _text(path)
    try:
        if _seems_deep(text):
            _refuse_depth(path, text)
        node = yaml.compose(text, Loader=_Loader)
    except yaml.YAMLError as error:
        raise Unreadable(f"{path}{_explain(error)}") from None
    except RecursionError:
        raise Unreadable(f"{path}: {_DEEP}") from None
    if not isinstance(node, yaml.MappingNode):
        what = "is empty" if node is None else "does not hold keys and values"
        raise Unreadable(f"{path}: {what}; write at least hostname, domains and mailboxes")
    document = Document(path, lines={(): 1}, room=10_000 + 4 * len(text))
    document.value = _build(node, (), document, [])
    return document


def _text(path: Path) -> str:
    try:
        content = files.content(path, LARGEST)
    except OSError as error:
        raise Unreadable(f"{path}: cannot be read ({error.strerror}); write it, or name the right directory") from None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise Unreadable(f"{path}:{line}: is not UTF-8; save the file as UTF-8") from None


def _seems_deep(text: str) -> bool:
    """Whether ``text`` may be nested deeper than DEEPEST: a quick look, which brackets in quotes can mislead."""
    depth = 0
    for bracket in re.finditer(r"[\[\]{}]", text):
        depth = depth + 1 if bracket[0] in "[{" else max(depth - 1, 0)
        if depth > DEEPEST // 2:
            return True
    return bool(_INDENTED.search(text))


def _refuse_depth(path: Path, text: str) -> None:
    """Unreadable where it is: whoever composes and builds a text calls itself once for each level."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > DEEPEST:
            line = event.start_mark.line + 1 if event.start_mark else 1
            raise Unreadable(f"{path}:{line}: {_DEEP}")


_SENTENCES = {  # by what PyYAML says of it
    "'\\t'": "a tab indents this line; indent with spaces",
    "another document": "a second document begins here (---); keep one",
    "unknown escape character": "a backslash in double quotes means something else to YAML; use single quotes",
    "undefined alias": "a value that begins with * must stand in quotes; write '…' around it",
    "mapping values are not allowed": "a colon or an indentation too much; align the keys, and quote a value with ': '",
    "but found ':'": 'a value that begins with a colon must stand in quotes; write it as "::1/128"',
    "but found '<block mapping start>'": "this line is indented unlike its neighbours; align the keys of one section",
    "but found '<scalar>'": "a value goes on after its quote or } has closed; put the whole value in quotes",
}
_OPENED = {  # likewise, of what begins further up
    "expected ',' or": "a { or [ that opens here is not closed; close it, and quote values that hold { } [ ] , or #",
    "unexpected end of stream": "a quote that opens here is not closed; close it",
}
_UNREADABLE = (
    "cannot be read as YAML; check the indentation, and put a value in quotes"
    " if it begins with one of { [ & * ! | > % @ ` - ? or holds a colon or a #"
)


def _explain(error: yaml.YAMLError) -> str:
    """``:line: one sentence``. PyYAML's own words may quote the file, which may hold a secret: not shown."""
    if isinstance(error, yaml.reader.ReaderError):
        return ": holds a control character; write the file as plain text"
    told = str(getattr(error, "problem", ""))
    for marked, sentences in (("problem_mark", _SENTENCES), ("context_mark", _OPENED)):
        for sign, sentence in sentences.items():
            if sign in told:
                return f"{_line(error, marked)}: {sentence}"
    return f"{_line(error, 'problem_mark')}: {_UNREADABLE}"


def _line(error: yaml.YAMLError, mark: str) -> str:
    known = getattr(error, mark, None) or getattr(error, "problem_mark", None)
    return f":{known.line + 1}" if known else ""


def _build(node: yaml.Node, place: Place, document: Document, above: list[yaml.Node]) -> Any:
    document.lines.setdefault(place, node.start_mark.line + 1)
    document.room -= 1
    if document.room < 0:
        raise Unreadable(f"{document.path}: its aliases (*) repeat more than a file can hold; write the values out")
    if node in above:
        document.problems.append((place, "holds itself (an anchor inside its own value); write the value out"))
        return None
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, place, document, [*above, node])
    if isinstance(node, yaml.SequenceNode):
        items = enumerate(node.value)
        return [_build(item, (*place, number), document, [*above, node]) for number, item in items]
    return _scalar(node, place, document) if isinstance(node, yaml.ScalarNode) else None


def _mapping(node: yaml.MappingNode, place: Place, document: Document, above: list[yaml.Node]) -> dict[str, Any]:
    built: dict[str, Any] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode) or key_node.tag == f"{_TAG}merge":
            document.problems.append(
                (place, f"has a key on line {line} that is no plain word; write one word and a colon")
            )
            continue
        key = key_node.value
        here = (*place, key)
        if _CONTROL.search(key) or _NO_TEXT.search(key):
            document.problems.append((place, f"has a key on line {line} with a control character; write plain text"))
            continue
        if key in built:
            first = document.lines[here]
            document.problems.append((here, f"stands on line {first} and again on line {line}; keep one of them"))
            continue
        document.lines[here] = line
        built[key] = _build(value_node, here, document, above)
    return built


def _scalar(node: yaml.ScalarNode, place: Place, document: Document) -> Any:
    kind = node.tag.removeprefix(_TAG)
    document.kinds[place] = kind
    wrong = _misread(kind, node.value)
    if wrong:
        document.problems.append((place, wrong))
        return None
    return _VALUES[kind](node.value)


def _misread(kind: str, text: str) -> str | None:
    if kind == "timestamp":
        return f"YAML takes this for a date; {_QUOTE}"
    plain = {"int": _DECIMAL, "float": _FRACTION}.get(kind)
    if plain and re.search(r"[0-9]|\.(inf|nan)$", text.lower()) and not plain.fullmatch(text):
        return f"YAML takes this for another number than is written here; {_QUOTE}, or as a plain decimal number"
    if plain and len(text) > _DIGITS:
        return f"is a number of {len(text)} digits; write one of at most {_DIGITS}"
    if kind == "str" and _NO_TEXT.search(text):
        return "holds a character that is no text (NUL, or half of one); write plain text"
    if not _is_written_so(kind, text):
        return f"begins with a tag (!), which is not read here; {_QUOTE}"
    return None


def _is_written_so(kind: str, text: str) -> bool:
    """Whether YAML itself would take ``text`` for ``kind``: a tag (!!float abc) may say otherwise."""
    try:
        _VALUES[kind](text)
    except (KeyError, ValueError):
        return False
    return kind != "null" or text.lower() in ("", "~", "null")
