"""From mail.yaml to a MailServer."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from deploys.config.mailserver import MailServer
from deploys.config.reading import errors, yamlfile
from deploys.config.reading.errors import SettingsError
from deploys.config.reading.shape import without_blanks

__all__ = ["SettingsError", "settings"]


def settings(path: Path | str, text: str | None = None) -> MailServer:
    """What the YAML file at ``path`` declares, or what it would with this ``text``; relative paths in it start from its
    directory.

    Raises SettingsError with every reason at once, each a line ``path:line: key: what is wrong; what would be right``.
    """
    where = Path(path)
    try:
        words = yamlfile.text_of(where) if text is None else text
        document = yamlfile.read(where, words)
    except yamlfile.Unreadable as error:
        raise SettingsError([str(error)]) from None
    found = [*document.problems, *errors.blanks(document, MailServer)]
    refused = {place for place, _ in found if place in document.kinds}  # said already; pydantic sees None there
    try:
        mail = MailServer.model_validate(without_blanks(MailServer, document.value), context={"base": where.parent})
    except ValidationError as error:
        told = errors.problems(error, MailServer, document)
        found += [(place, text) for place, text in told if place not in refused]
    if found:
        raise SettingsError(errors.as_lines(found, document))
    mail._words = words
    return mail
