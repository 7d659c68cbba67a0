"""docs/reference.md and group_data/mail.schema.json, from the models (deploys/documentation.py writes them)."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from typing import Any

import yaml

from deploys.config.schema import Schema, schema
from deploys.values.sizes import in_words

# What stands for any key of the operator's own in examples, and in titles.
KEYS = {"mailboxes": ("tito@example.org",), "domains": ("example.org",)}
TITLES = {"tito@example.org": "ADDRESS", "example.org": "DOMAIN"}
HEAD = """# Every option of mail.yaml

Made from the models by `script/docs`; not to be edited. Three options are enough, and everything else has a default:

```yaml
hostname: mail.example.org
domains: [example.org]
mailboxes:
  tito@example.org: {password: "{ARGON2ID}$argon2id$v=19$m=19456,t=2,p=1$…"}  # script/password makes it
```

A **size** is a number of bytes, or a number with K, M, G or T (powers of 1024), such as `50M`. An **address** and a
**domain** may be written in any case. A file's **path** is relative to the directory of mail.yaml. `script/docs` also
writes `group_data/mail.schema.json`, by which editors complete and check these options.
`script/validate FILE` checks a file without any host: every error at once, with its line.
"""


def schema_text() -> str:
    """mail.schema.json."""
    return json.dumps(schema(), ensure_ascii=False, indent=2) + "\n"


def reference_text() -> str:
    """docs/reference.md."""
    whole = schema()
    return HEAD + "".join(_entries(whole, (), whole["$defs"], 2))


def _entries(section: Schema, path: tuple[str, ...], definitions: Schema, level: int) -> Iterator[str]:
    """One entry for each key, and after a section's the entries of the keys below it."""
    for name, value in section["properties"].items():
        here = (*path, name)
        yield _entry(value, here, name in section.get("required", ()), definitions, level)
        below = _model(value, definitions)
        if below:
            yield from _entries(below, (*here, *KEYS.get(name, ())), definitions, level + 1)


def _entry(value: Schema, path: tuple[str, ...], required: bool, definitions: Schema, level: int) -> str:
    title = ".".join(TITLES.get(key, key) for key in path)
    facts = [_kind(value, definitions), "required" if required else _default(value)]
    text = f"\n{'#' * level} `{title}`\n\n*{', '.join(fact for fact in facts if fact)}.* {value['description']}\n"
    for example in value.get("examples", ())[:1]:
        text += f"\n```yaml\n{_example(path, example)}```\n"
    return text


def _kind(value: Schema, definitions: Schema) -> str:
    """The type, in words."""
    if "enum" in value:
        return " or ".join(one if isinstance(one, str) else str(one).lower() for one in value["enum"])
    if "const" in value:
        return str(value["const"]).lower()
    if "$ref" in value:
        return "keys of its own, below"
    if "title" in value:
        return str(value["title"])
    kinds = [kind for kind in value.get("anyOf", ()) if kind != {"type": "null"}]
    if kinds:
        return " or ".join(_kind(kind, definitions) for kind in kinds)
    if "oneOf" in value:  # pydantic drops the title of what a mapping leads to
        return " or ".join(f"{{{key}: …}}" for one in value["oneOf"] for key in one["properties"])
    if value["type"] == "array":
        return f"list of {_kind(value['items'], definitions)}"
    if value["type"] == "object":
        return f"mapping to {_kind(value['additionalProperties'], definitions)}"
    types = value["type"] if isinstance(value["type"], list) else [value["type"]]
    return " or ".join(
        {"integer": "number", "number": "number", "string": "text", "boolean": "yes/no"}[kind] for kind in types
    )


def _default(value: Schema) -> str:
    default = value.get("default")
    if default in (None, {}, []) or isinstance(default, dict):
        return ""
    if isinstance(default, list):
        return f"default {', '.join(default)}"
    return f"default {in_words(default) if value.get('title') == 'size' else default}"


def _model(value: Schema, definitions: Schema) -> Schema | None:
    """The keys below a section; for a mapping of sections, the keys below each."""
    for kind in value.get("anyOf", [value]):
        for one in (kind, *kind.get("additionalProperties", {"anyOf": ()}).get("anyOf", ())) if kind else ():
            if "$ref" in one:
                model: Schema = definitions[one["$ref"].rpartition("/")[2]]
                return model
    return None


def _example(path: tuple[str, ...], example: Any) -> str:
    """YAML with ``example`` at ``path``, the way a person writes it."""
    above = "".join(f"{'  ' * depth}{key}:\n" for depth, key in enumerate(path[:-1]))
    flow = None if isinstance(example, (dict, list)) else False
    own = yaml.safe_dump({path[-1]: example}, allow_unicode=True, sort_keys=False, width=1000, default_flow_style=flow)
    return above + textwrap.indent(own, "  " * (len(path) - 1))
