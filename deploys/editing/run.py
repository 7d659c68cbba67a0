"""From a change to a file: made, judged as script/validate judges it, told in words, and only then written, at once."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from argparse import ArgumentParser
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import yaml

from deploys import site
from deploys.config import read as reader
from deploys.config import warnings
from deploys.config.mailserver import MailServer
from deploys.config.reading import yamlfile
from deploys.editing import words
from deploys.editing.declared import Declared, Refused
from deploys.editing.yamltext import Text, Unusual

BY_HAND = "edit the file by hand, and look at it with script/validate"
NEXT = "The hosts are as they were; what follows there: pyinfra inventory.py deploys/mail.py"
UNUSUAL = "in a way that is not edited here (an anchor, an alias or a complex key)"
Change = Callable[[Declared], Declared]


def opened(path: Path | None) -> Declared:
    """The file at ``path``, by default this site's mail.yaml. Refused where it is no YAML at all."""
    where = path or site.mail_yaml()
    try:
        text = yamlfile.text_of(where)
        yamlfile.read(where, text)
    except yamlfile.Unreadable as error:
        raise Refused(str(error)) from None
    return Declared(where, Text(text))


def changed(file: Declared, change: Change, touched: Iterable[str], dry: bool = False) -> int:
    """Make ``change`` and say what it comes to; 0 if it is written, or would be with ``dry``.

    ``touched``: the addresses that were named. An anchor (&) lets others share what one has: where another mailbox
    would change along, nothing is written.
    """
    try:
        after = change(file)
        judged = reader.settings(file.path, after.text.text)
    except (Unusual, yamlfile.Unreadable, yaml.YAMLError):
        raise Refused(f"{file.path} says this {UNUSUAL}; {BY_HAND}") from None
    except reader.SettingsError as error:
        raise Refused(f"{error}\nNothing was written: {file.path} would not be good any more") from None
    before = _before(file)
    told = words.changes(before, judged)
    if before and (along := _along(before, judged, set(touched))):
        raise Refused(f"{', '.join(along)} would change along (an anchor, & and *); {BY_HAND}")
    if not told:
        print(f"{file.path} says so already")
        return 0
    print(*(f"  {line}" for line in told.values()), sep="\n")
    known = warnings.warnings(before) if before else []
    for warning in warnings.warnings(judged):
        if warning not in known:
            print(f"warning: {file.path}: {warning}", file=sys.stderr)
    if dry:
        print(f"{file.path} is as it was (--dry)")
        return 0
    write(file, after.text.text)
    print(f"{file.path} is written. {NEXT}")
    return 0


def write(file: Declared, text: str) -> None:
    """Put ``text`` in the file's place, whole and at once, with its mode and owner. Refused where somebody else has
    changed it meanwhile."""
    where = file.path.resolve()  # a link stays one
    mark = where.read_bytes().startswith(b"\xef\xbb\xbf")
    if yamlfile.text_of(where) != file.text.text:
        raise Refused(f"{file.path} has been changed by somebody else meanwhile; try once more")
    status = where.stat()
    name = ""
    try:
        handle, name = tempfile.mkstemp(prefix=f".{where.name}.", dir=where.parent)
        with open(handle, "wb") as new:
            new.write((b"\xef\xbb\xbf" if mark else b"") + text.encode())
            new.flush()
            os.fsync(new.fileno())
        os.chmod(name, status.st_mode & 0o7777)
        with contextlib.suppress(PermissionError):  # only root gives files away
            os.chown(name, status.st_uid, status.st_gid)
        os.replace(name, where)
    except OSError as error:
        if name:
            Path(name).unlink(missing_ok=True)
        raise Refused(f"{file.path} cannot be written ({error.strerror})") from None


def _before(file: Declared) -> MailServer | None:
    try:
        return reader.settings(file.path, file.text.text)
    except reader.SettingsError:  # such as one in which nobody has a mailbox yet
        return None


def _along(before: MailServer, after: MailServer, touched: set[str]) -> list[str]:
    """Members are addresses that lead to a person, as targets of aliases do: those are changed where it is meant."""
    old, new = (
        {address: box.model_copy(update={"members": ()}) for address, box in mail.mailboxes.items()}
        for mail in (before, after)
    )
    return [address for address in old if address not in touched and old[address] != new.get(address)]


def declared(file: Declared) -> MailServer:
    """What the file says; Refused, with all that is wrong in it, where that is no mail server."""
    try:
        return reader.settings(file.path, file.text.text)
    except reader.SettingsError as error:
        raise Refused(str(error)) from None


def main(parser: ArgumentParser, arguments: Sequence[str]) -> int:
    """Do what ``arguments`` ask of a ``parser`` whose commands name their ``work``. Its exit code; 1 and a sentence on
    standard error where it was refused."""
    asked = parser.parse_args(arguments)
    try:
        return int(asked.work(asked))
    except Refused as error:
        print(error, file=sys.stderr)
    except KeyboardInterrupt:
        print("Nothing was written", file=sys.stderr)
    return 1
