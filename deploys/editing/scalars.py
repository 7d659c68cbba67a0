"""A value as YAML text: what somebody would write by hand, in quotes wherever YAML might take it for something else."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import yaml

_PLAIN = re.compile(r"[^\W_][\w.@+=~/-]*( [\w.@+=~/-]+)*")
_ESCAPED = re.compile("[\x7f-\x9f\u2028\u2029\ufeff]")  # JSON leaves them as they are, YAML breaks lines at some
_resolver = yaml.SafeLoader("")


def scalar(value: str | int | bool) -> str:
    """``value`` on one line, as it may stand in a block or in braces."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if _PLAIN.fullmatch(value) and _resolver.resolve(yaml.ScalarNode, value, (True, False)) == "tag:yaml.org,2002:str":
        return value
    quoted = json.dumps(value, ensure_ascii=False)
    return _ESCAPED.sub(lambda match: f"\\u{ord(match[0]):04x}", quoted)


def flow(value: Any) -> str:
    """``value``, which may be a mapping or a list, on one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{scalar(key)}: {flow(one)}" for key, one in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(flow(one) for one in value) + "]"
    return scalar(value)


def block(key: str, value: Any, indent: int, step: int) -> list[str]:
    """``key: value`` as lines from column ``indent`` on, what is inside it ``step`` columns further."""
    lead = " " * indent
    if not isinstance(value, (Mapping, list, tuple)):
        return [f"{lead}{scalar(key)}: {scalar(value)}"]
    if isinstance(value, Mapping):
        below = [line for name, one in value.items() for line in block(name, one, indent + step, step)]
    else:
        below = [f"{lead}{' ' * step}- {scalar(one)}" for one in value]
    return [f"{lead}{scalar(key)}:", *below]
