"""Program trees: a whole new version beside the old one, then one switch of a symbolic link."""

from __future__ import annotations

import base64
import hashlib
import posixpath
from collections.abc import Callable

from pyinfra import host
from pyinfra.api.exceptions import OperationValueError

from facts.archive import STAMP, Tree, Unpacked
from facts.survey import Question, question
from operations.script import script
from operations.survey import ask, looks


def _of_link(target: str, **_: object) -> list[Question[Tree]]:
    return [question(Unpacked, target=target)]


@looks(_of_link)
def unpack(source: Callable[[], bytes], target: str, versions: str, stamp: str):  # type: ignore[no-untyped-def]
    """
    Make the symbolic link ``target`` lead to the version that ``stamp`` names, untouched.

    + source: gives the tar.gz of that version; called only where the host needs it
    + target: absolute path of the link that everybody uses
    + versions: absolute directory that is ours whole; this version and the one before are kept below it
    + stamp: one line that changes whenever the archive's content does; its first word begins the directory's name

    One fact when nothing is to do. An archive that arrives damaged is refused before anything changes.
    """
    if "\n" in stamp or not stamp.strip() or {posixpath.isabs(target), posixpath.isabs(versions)} != {True}:
        raise OperationValueError("archive.unpack: absolute paths and a stamp of one line, please")
    (about,) = _of_link(target)
    there = ask(about)
    if there.is_version(stamp):
        host.noop(f"{target} is {stamp}")
        return
    data = source()
    yield script(
        "unpack.sh",
        target,
        versions,
        stamp.split()[0][:12],
        stamp,
        hashlib.sha256(data).hexdigest(),
        stdin=base64.encodebytes(data).decode(),
        STAMP=STAMP,
    )
