"""What the files of a mail server do not say: what its databases hold, and what was exported from another project's."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from pyinfra import host
from pyinfra.api.exceptions import DeployError

from deploys.adopting import databases, exports, look, schemas, stores
from deploys.adopting.description import Found
from deploys.adopting.exports import copies
from deploys.adopting.exports.places import NotAnExportError
from deploys.adopting.look import Told
from deploys.adopting.places import with_places
from deploys.values import names
from facts.places import Places

OVERWRITE, YES = "overwrite", ("yes", "true")
_SQL = re.compile(r"\b(mysql|pgsql|sqlite):|\bdriver = sql\b|^sql_driver = |^(passdb|userdb) sql ", re.MULTILINE)
_ANSWERED = re.compile(r"what (proxy:)?(mysql|pgsql|sqlite):\S+ answers was not read|Dovecot's (passdb|userdb) sql:")


@dataclass(frozen=True)
class Export:
    """An export of another project's server: ``kind``, where it lies here, where its messages lie on the host, and
    what the host shall be called ("": as the inventory calls it)."""

    kind: str
    directory: str
    messages: str = ""
    hostname: str = ""

    @staticmethod
    def said(*values: object) -> Export | None:
        """What ``--data`` says of the four; None where it is about the host itself."""
        words = [str(one) if one is not None else "" for one in values]
        if not words[0] and any(words):
            raise DeployError(f"directory, messages and hostname go with from={'|'.join(exports.KINDS)}")
        return Export(*words) if words[0] else None


def judged(*said: object) -> None:
    """``said``: as Export.said, and ``overwrite``. DeployError says all that is wrong with it."""
    *words, overwrite = said
    problems = []
    if overwrite is not None and str(overwrite).lower() not in YES:
        problems.append(f"{OVERWRITE}: say {OVERWRITE}=yes, and a file that is there is replaced")
    try:
        export = Export.said(*words)
        if export and export.hostname:
            names.host_name(export.hostname)
    except (DeployError, ValueError) as why:
        problems.append(str(why))
    else:
        try:
            _read(export) if export else None
        except DeployError as why:
            problems.append(str(why))
    if problems:
        raise DeployError("\n".join(problems))


def exported(export: Export) -> Found:
    """What ``export`` says, for the present host."""
    found = _read(export)
    if any(box.messages for box in found.mailboxes):
        found = copies.those_there(found, look.said(copies.COMMAND, copies.asked(found)))
    return replace(found, hostname=_hostname(export))


def _read(export: Export) -> Found:
    try:
        return exports.read(export.kind, export.directory, export.messages)
    except NotAnExportError as error:
        raise DeployError(str(error)) from None
    except OSError as error:
        raise DeployError(f"{error.filename} cannot be read ({error.strerror})") from None


def _hostname(export: Export) -> str:
    try:
        return names.host_name(export.hostname or host.name.rpartition("@")[2].rpartition("/")[2])
    except ValueError as error:
        raise DeployError(f"{error}; say what the server shall be called by --data hostname=") from None


def of_databases(told: Told) -> Found:
    """What the databases hold that the present host's Postfix and Dovecot ask; nothing where they ask none."""
    if not _SQL.search("\n".join([*told.parameters.values(), told.words.get("doveconf", "")])):
        return Found()
    found = schemas.description(databases.read(look.said(databases.command(schemas.WANTED))))
    if not found.mailboxes:
        return found
    places = host.get_fact(Places, names=[box.address for box in found.mailboxes])
    return _with_what_is_there(with_places(found, places))


def _with_what_is_there(found: Found) -> Found:
    """Nobody who never got a message has a store, and few have a script."""
    paths = [path for box in found.mailboxes if box.messages for path in stores.paths(box.messages)]
    there = look.there([*paths, *(box.sieve for box in found.mailboxes if box.sieve)], ())
    boxes, notes = [], []
    for box in found.mailboxes:
        messages = box.messages if box.messages and stores.is_there(box.messages, there) else ""
        if box.messages and not messages:
            notes.append(f"{box.address}: there are no messages at {box.messages}")
        boxes.append(replace(box, messages=messages, sieve=box.sieve if messages and box.sieve in there.files else ""))
    return replace(found, mailboxes=tuple(boxes), not_understood=(*found.not_understood, *notes))


def unanswered(sentences: Iterable[str], database: Found) -> tuple[str, ...]:
    """``sentences`` less those about questions that ``database`` answers."""
    return tuple(one for one in sentences if not database.mailboxes or not _ANSWERED.search(one))
