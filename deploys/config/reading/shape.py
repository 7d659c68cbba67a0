"""The shape of mail.yaml: which keys may stand where, asked of the models themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, get_args, get_origin

from pydantic.fields import FieldInfo

from deploys.config.base import Place, Settings


def alternatives(annotation: Any) -> Iterator[Any]:
    """The plain types that ``annotation`` allows, without Annotated, unions and None."""
    if get_origin(annotation) is Annotated:
        yield from alternatives(get_args(annotation)[0])
    elif get_origin(annotation) in (dict, tuple) or not get_args(annotation):
        if annotation is not type(None):
            yield annotation
    else:
        for part in get_args(annotation):
            yield from alternatives(part)


def model_of(annotation: Any) -> type[Settings] | None:
    """The model among the alternatives of ``annotation``, if any."""
    for kind in alternatives(annotation):
        if isinstance(kind, type) and issubclass(kind, Settings):
            return kind
    return None


def fields_of(model: type[Settings]) -> dict[str, FieldInfo]:
    """The model's fields by the names that operators write."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def annotation_at(model: type[Settings], place: Place) -> Any:
    """What may stand at ``place`` below ``model``; None for a place that no model knows."""
    here: Any = model
    for key in place:
        fields = fields_of(model_of(here) or Settings)
        mapping = next((kind for kind in alternatives(here) if get_origin(kind) is dict), None)
        if key in fields:
            # The field's own annotation, without the metadata that pydantic keeps beside it.
            here = fields[str(key)].annotation
        elif mapping is not None:
            here = get_args(mapping)[1]
        else:
            return None
    return here


def keys_at(model: type[Settings], place: Place) -> tuple[str, ...]:
    """The keys that a section may have; none where they are the operator's own (addresses, domains, parameters)."""
    section = model_of(annotation_at(model, place))
    return tuple(fields_of(section)) if section else ()


def is_section(model: type[Settings], place: Place) -> bool:
    """Whether ``place`` holds keys of its own, so that leaving it blank says nothing rather than something empty."""
    here = annotation_at(model, place)
    return any(get_origin(kind) is dict for kind in alternatives(here)) or model_of(here) is not None


def without_blanks(model: type[Settings], settings: Mapping[str, Any], place: Place = ()) -> dict[str, Any]:
    """``settings`` with blank sections (``aliases:`` and nothing below it) taken for ones that were not written."""
    kept: dict[str, Any] = {}
    for key, value in settings.items():
        here = (*place, key)
        if isinstance(value, Mapping):
            kept[key] = without_blanks(model, value, here)
        elif value is not None or not is_section(model, here):
            kept[key] = value
        elif len(place) == 1 and not keys_at(model, place):
            kept[key] = {}  # a mailbox of which nothing is said
    return kept
