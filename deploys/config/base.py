"""Settings, the base of everything an operator may say, and how it is refused."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NoReturn

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError, ValidationInfo
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError

Place = tuple[str | int, ...]  # the keys that lead to a value, as the operator wrote them
Problem = tuple[Place, str]  # where, and "what is wrong; what would be right"


class Settings(BaseModel):
    """An unknown option is an error, a known one never changes, a refused one is never printed."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


def or_none(options: type[BaseModel], none: str, have: str) -> BeforeValidator:
    """``options``, or false for none of it. ``none``, ``have``: what false gives, and what nothing said gives."""

    def check(value: object, info: ValidationInfo) -> object:
        if value is True:
            raise ValueError(f"is yes; write false for {none}, or take the line away to have {have}")
        return value if value is False else options.model_validate(value, context=info.context)

    return BeforeValidator(check)


def refuse(problems: Iterable[Problem], earlier: ValidationError | None = None) -> NoReturn:
    """Raise one ValidationError that holds ``problems`` after those of ``earlier``; none of the refused values."""
    details = [_again(error) for error in earlier.errors(include_url=False, include_input=False)] if earlier else []
    details += [
        InitErrorDetails(type=PydanticCustomError("contradiction", text), loc=place, input=None)
        for place, text in problems
    ]
    raise ValidationError.from_exception_data("mail.yaml", details, hide_input=True) from None


def _again(error: ErrorDetails) -> InitErrorDetails:
    """An error as one can raise it once more, without the value it refused."""
    context = dict(error.get("ctx") or {})
    if "error" in context:  # ours: a ValueError with a whole sentence
        return InitErrorDetails(
            type=PydanticCustomError("contradiction", str(context["error"])), loc=error["loc"], input=None
        )
    kind = PydanticCustomError(error["type"], error["msg"], context or None)
    return InitErrorDetails(type=kind, loc=error["loc"], input=None)
