"""The options of mail.yaml as rows, without any secret: the path of each in tabs, and its value in JSON."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from pydantic_core import to_jsonable_python

from deploys.config.mailserver import MailServer
from operations.file import File

DIRECTORY = "/var/lib/posthaus/declared"
FILE = "options"
# Said by Dovecot's and Postfix's own tables, which are what counts; what one run does, not what a host is (takeover);
# and mailboxes' hashes, which are nobody's business.
_ELSEWHERE = {"aliases", "catch_all", "postmaster", "takeover"}
_OF_MAILBOXES = {"password", "quota"}


def configuration(mail: MailServer) -> dict[str, File]:
    """For /var/lib/posthaus/declared; only root may read it."""
    return {FILE: File(rows(mail), "0600")}


def rows(mail: MailServer) -> str:
    """A row for each option that is not its default, sorted; and one that changes with what the DNS must publish."""
    left_out: Any = {**dict.fromkeys(_ELSEWHERE, True), "mailboxes": {"__all__": _OF_MAILBOXES}}
    content = mail.model_dump(mode="json", by_alias=True, exclude_defaults=True, exclude=left_out)
    lines = ["\t".join([*path, json.dumps(value, ensure_ascii=False)]) for path, value in _leaves(content)]
    return "".join(f"{line}\n" for line in sorted([*lines, f"\t{json.dumps(published(mail))}"]))


def published(mail: MailServer) -> str:
    """SHA-256 (hex) of all that DNS records are made of, but for keys."""
    page = mail.webmail.hostname if mail.webmail else None
    parts = [mail.hostname, mail.domains, page, mail.dovecot.protocols, mail.paged, bool(mail.tls.acme)]
    return hashlib.sha256(f"{json.dumps(parts)} {mail.records.model_dump_json()}".encode()).hexdigest()


def read(text: str) -> dict[str, dict[str, dict[str, Any]]]:
    """What ``rows`` wrote, as component.Table.read says: mailboxes and domains by their names, options by their paths
    as mail.yaml has them (``webmail.title``), with defaults, and ``dns``."""
    found: dict[str, dict[str, dict[str, Any]]] = {"mailbox": {}, "domain": {}, "option": {}, "dns": {}}
    found["option"] |= {path: {"value": value} for path, value in defaults().items()}
    for line in text.splitlines():
        *path, value = line.split("\t")
        said = json.loads(value)
        if path == [""]:
            found["dns"]["records"] = {"value": said}
        elif path[0] in ("mailboxes", "domains") and len(path) > 2:
            kind = {"mailboxes": "mailbox", "domains": "domain"}[path[0]]
            found[kind].setdefault(path[1], {})[".".join(path[2:])] = said
        elif path[0] not in ("mailboxes", "domains"):
            found["option"][".".join(path)] = {"value": said}
    return found


@cache
def defaults() -> dict[str, Any]:
    """What each option is that nobody wrote down, by its path."""
    known = {
        one.alias or name: to_jsonable_python(one.get_default(call_default_factory=True))
        for name, one in MailServer.model_fields.items()
        if not one.is_required() and name not in _ELSEWHERE
    }
    return {".".join(path): value for path, value in _leaves(known)}


def _leaves(value: Mapping[str, Any], *above: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, inner in value.items():
        path = (*above, str(name))
        if isinstance(inner, Mapping) and inner:
            yield from _leaves(inner, *path)
        elif inner is not None and inner != {}:
            yield path, inner
