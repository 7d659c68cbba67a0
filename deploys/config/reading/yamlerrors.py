"""What libyaml says of a file that is no YAML, as a sentence for a person."""

from __future__ import annotations

import yaml

ANOTHER = "a second document begins here (---); keep one"
NO_ALIAS = "a value that begins with * must stand in quotes; write '…' around it"
TOO_DEEP = "is nested much deeper than anything here; close the brackets above"
_SENTENCES = {  # by what libyaml says of it
    "invalid Unicode": "holds a character that is no text (half of one, by its number); write plain text",
    "maximum nesting depth": TOO_DEEP,
    "unknown escape character": "a backslash in double quotes means something else to YAML; use single quotes",
    "alphabetic or numeric character": NO_ALIAS,
    "mapping values are not allowed": "a colon or an indentation too much; align the keys, and quote a value with ': '",
    "expected node content": 'a value that begins with a colon must stand in quotes; write it as "::1/128"',
}
_OPENED = {  # likewise, of what begins further up
    "expected ',' or": "a { or [ that opens here is not closed; close it, and quote values that hold { } [ ] , or #",
    "unexpected end of stream": "a quote that opens here is not closed; close it",
}
_TAB = "a tab indents this line; indent with spaces"
_UNALIGNED = "this line is indented unlike its neighbours; align the keys of one section"
_GOES_ON = "a value goes on after its quote or } has closed; put the whole value in quotes"
_UNREADABLE = (
    "cannot be read as YAML; check the indentation, and put a value in quotes"
    " if it begins with one of { [ & * ! | > % @ ` - ? or holds a colon or a #"
)


def explain(error: yaml.YAMLError, text: str) -> str:
    """``:line: one sentence`` on ``error`` in ``text``. libyaml's own words may quote a secret: they are not shown."""
    if isinstance(error, yaml.reader.ReaderError):
        return ": holds a control character; write the file as plain text"
    told = str(getattr(error, "problem", ""))
    for marked, sentences in (("problem_mark", _SENTENCES), ("context_mark", _OPENED)):
        for sign, sentence in sentences.items():
            if sign in told:
                return f"{_line(error, marked)}: {sentence}"
    return f"{_line(error, 'problem_mark')}: {_by_place(error, told, text)}"


def _by_place(error: yaml.YAMLError, told: str, text: str) -> str:
    """Two faults that libyaml tells in the same words, told apart by what stands before them on their line."""
    mark = getattr(error, "problem_mark", None)
    line = next(iter(text.splitlines()[mark.line :]), "") if mark else ""
    if mark and ("cannot start any token" in told or "a tab character" in told) and line[mark.column :][:1] == "\t":
        return _TAB
    if mark and "did not find expected key" in told:
        return _GOES_ON if line[: mark.column].strip() else _UNALIGNED
    return _UNREADABLE


def _line(error: yaml.YAMLError, mark: str) -> str:
    known = getattr(error, mark, None) or getattr(error, "problem_mark", None)
    return f":{known.line + 1}" if known else ""
