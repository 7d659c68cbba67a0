"""rspamd's configuration language from Python values (UCL: https://docs.rspamd.com/configuration/ucl)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

Block = Mapping[str, Any]


def block(settings: Block, depth: int = 0) -> str:
    """The keys and values of ``settings``, one a line; mappings become sections, None is null."""
    return "".join(f"{'  ' * depth}{_entry(key, value, depth)}\n" for key, value in settings.items())


def _entry(key: str, value: Any, depth: int) -> str:
    name = key if key.replace("_", "").isalnum() and key[0].isalpha() else json.dumps(key)
    if isinstance(value, Mapping):
        return f"{name} {_section(value, depth)}"
    return f"{name} = {_value(value, depth)};"


def _section(value: Block, depth: int) -> str:
    return f"{{\n{block(value, depth + 1)}{'  ' * depth}}}"


def _value(value: Any, depth: int) -> str:
    if isinstance(value, Mapping):
        return _section(value, depth)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(_value(one, depth) for one in value) + "]"
    if isinstance(value, float):
        return f"{value:g}"
    return json.dumps(value)
