"""Settings, the base of everything an operator may say."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Settings(BaseModel):
    """An unknown word is an error, a known one never changes, a refused one is never printed."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)
