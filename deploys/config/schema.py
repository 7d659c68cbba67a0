"""The JSON Schema of mail.yaml, from the models: what editors complete and check while one types."""

from __future__ import annotations

from typing import Any

from deploys.config.mailserver import MailServer

Schema = dict[str, Any]


def schema() -> Schema:
    """The schema, in JSON Schema's draft 2020-12. It takes what the reader takes; the reader knows more."""
    whole = MailServer.model_json_schema()
    definitions = whole.get("$defs", {})
    mailboxes = whole["properties"]["mailboxes"]
    mailboxes["additionalProperties"] = _or_blank(mailboxes["additionalProperties"])
    whole["properties"]["domains"] = _list_or_mapping(whole["properties"]["domains"])
    for model in (whole, *definitions.values()):
        for name, value in model.get("properties", {}).items():
            tidy = _tidy(value, name)
            optional = name not in model.get("required", ())
            model["properties"][name] = _or_blank(tidy) if optional and _is_section(tidy, definitions) else tidy
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "mail.yaml"}
    return {**head, **{key: value for key, value in whole.items() if key not in head}}


def _list_or_mapping(value: Schema) -> Schema:
    """Domains: a list of names, or a mapping from each to what is said of it."""
    about: Schema = {key: value.pop(key) for key in ("description", "examples") if key in value}
    value.pop("title", None)
    value["additionalProperties"] = _or_blank(value["additionalProperties"])
    names = {"type": "array", "items": {"title": "domain", "type": "string"}, "minItems": 1}
    return {"anyOf": [names, value], **about}


def _is_section(value: Schema, definitions: Schema) -> bool:
    """Whether keys stand below this one, so that it may be left blank."""
    parts = value.get("anyOf", [value])
    resolved = (definitions[part["$ref"].rpartition("/")[2]] if "$ref" in part else part for part in parts)
    return any(part.get("type") == "object" for part in resolved)


def _tidy(value: Schema, name: str) -> Schema:
    """Without pydantic's invented titles, and without null: the reader refuses a key with nothing behind it."""
    if value.get("title", "").lower() == name.replace("_", " "):
        del value["title"]
    if value.get("default", "") is None:
        del value["default"]
    kinds = [kind for kind in value.pop("anyOf", []) if kind != {"type": "null"}]
    return {**kinds[0], **value} if len(kinds) == 1 else {**value, **({"anyOf": kinds} if kinds else {})}


def _or_blank(value: Schema) -> Schema:
    """A section may stand there with nothing below it: as if it were not written."""
    about: Schema = {key: value.pop(key) for key in ("description", "default", "examples") if key in value}
    return {"anyOf": [*value.pop("anyOf", [value]), {"type": "null"}], **about}
