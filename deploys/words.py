"""From mail.yaml to a MailServer. ``python -m deploys.words [mail.yaml]`` checks one without any host."""

from __future__ import annotations

import sys
from pathlib import Path

from pydantic import ValidationError

from deploys import errors, yamlfile
from deploys.errors import WordsError
from deploys.mailserver import MailServer
from deploys.shape import without_blanks

__all__ = ["WordsError", "words"]


def words(path: Path | str) -> MailServer:
    """What the YAML file at ``path`` declares; relative paths in it start from its directory.

    Raises WordsError with every reason at once, each a line ``path:line: key: what is wrong; what would be right``.
    """
    where = Path(path)
    try:
        document = yamlfile.read(where)
    except yamlfile.Unreadable as error:
        raise WordsError([str(error)]) from None
    found = [*document.problems, *errors.blanks(document, MailServer)]
    refused = {place for place, _ in found if place in document.kinds}  # said already; pydantic sees None there
    try:
        mail = MailServer.model_validate(without_blanks(MailServer, document.value), context={"base": where.parent})
    except ValidationError as error:
        told = errors.problems(error, MailServer, document)
        found += [(place, text) for place, text in told if place not in refused]
    if found:
        raise WordsError(errors.as_lines(found, document))
    return mail


def main(arguments: list[str]) -> int:
    """Check one file: 0 if it can be deployed. Reasons and warnings go to standard error."""
    from deploys import site

    path = Path(arguments[0]) if arguments else site.mail_yaml()
    try:
        mail = words(path)
    except WordsError as error:
        print(error, file=sys.stderr)
        return 1
    for warning in mail.warnings():
        print(f"warning: {path}: {warning}", file=sys.stderr)
    print(f"{path}: good; {len(mail.domains)} domains, {len(mail.mailboxes)} mailboxes, {len(mail.aliases)} aliases")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
