"""Text from values: one template function, and the quoting that each foreign syntax asks for."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from jinja2 import Environment, StrictUndefined, Template

_environment = Environment(
    undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True, autoescape=False
)


def template(path: Path, **values: Any) -> str:
    """The text of the Jinja template at ``path``; a value it lacks is an error, never an empty string."""
    return compiled(path).render(**values)


@cache
def compiled(path: Path) -> Template:
    """Compiled once for the whole run: some texts are written for each domain."""
    return _environment.from_string(path.read_text(encoding="utf-8"))


def php_quote(value: str) -> str:
    """``value`` as a PHP single-quoted string (PHP manual, "Strings": only the backslash and the quote are special)."""
    return "'" + _printable(value).replace("\\", "\\\\").replace("'", "\\'") + "'"


def dovecot_quote(value: str) -> str:
    """``value`` as a Dovecot double-quoted string."""
    return '"' + _printable(value).replace("\\", "\\\\").replace('"', '\\"') + '"'


def lua_quote(value: str) -> str:
    """``value`` as a Lua string (Lua 5.1 reference, 2.1)."""
    return '"' + _printable(value).replace("\\", "\\\\").replace('"', '\\"') + '"'


def xml_quote(value: str) -> str:
    """``value`` as XML or HTML text, or between double quotes (XML 1.0, 2.4)."""
    return escape(_printable(value), {'"': "&quot;"})


def apache_quote(value: str) -> str:
    """``value`` as one argument of an Apache directive."""
    return '"' + _printable(value).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _printable(value: str) -> str:
    if any(ord(character) < 32 or ord(character) == 127 for character in value):
        raise ValueError("a control character cannot stand in a configuration file")
    return value


_environment.filters.update(php=php_quote, dovecot=dovecot_quote, apache=apache_quote, lua=lua_quote, xml=xml_quote)
