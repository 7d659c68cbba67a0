"""The name of a host, in the kernel and in the files that hold it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pyinfra import host

from facts.identity import HostIdentity, Identity
from facts.survey import Question, question
from operations.script import script
from operations.survey import ask, looks


def _of_files(
    files: Mapping[str, str], rewritten: Mapping[str, Callable[[str], str]], **_: object
) -> list[Question[HostIdentity]]:
    return [question(Identity, paths=sorted({*files, *rewritten}))]


@looks(_of_files)
def known(hostname: str, files: Mapping[str, str], rewritten: Mapping[str, Callable[[str], str]]):  # type: ignore[no-untyped-def]
    """
    Make ``hostname`` the host's name.

    + hostname: for the kernel, at once
    + files: path: text. Their directories must exist
    + rewritten: path: function from the present text to the wished one, for files that others write to as well
    """
    (about,) = _of_files(files, rewritten)
    there = ask(about)
    wished = {**files, **{path: change(there.files.get(path, "")) for path, change in rewritten.items()}}
    differing = {path: text for path, text in sorted(wished.items()) if there.files.get(path) != text}
    if not differing and there.hostname == hostname:
        host.noop(f"the hostname is {hostname}")
        return
    arguments = [word for pair in differing.items() for word in pair]
    yield script("identity.sh", hostname, *arguments)
