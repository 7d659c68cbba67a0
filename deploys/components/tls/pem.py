"""A PEM file on the workstation, as an option."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, ValidationInfo, WithJsonSchema

from deploys.values import files
from deploys.values.secret import path


def _readable(value: object, info: ValidationInfo) -> Path:
    """A file on this workstation. It is looked at only where a YAML file is read (the context names its directory)."""
    if isinstance(value, Path):
        return value
    if not isinstance(value, str) or not value.strip():
        raise ValueError("is empty or not text; write the path of a PEM file on this workstation")
    where = path(value, info)
    try:
        if info.context:
            files.content(where)
    except OSError as error:
        raise ValueError(f"{where} cannot be read ({error.strerror}); write the path of a PEM file") from None
    return where


PemFile = Annotated[
    Path, BeforeValidator(_readable), WithJsonSchema({"type": "string", "title": "path", "minLength": 1})
]
