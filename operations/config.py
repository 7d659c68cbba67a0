"""Configuration as a transaction: staged, checked by the program's own checker, then swapped, all files or none."""

from __future__ import annotations

import base64
import difflib
import gzip
import io
import tarfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from weakref import WeakKeyDictionary

import click
from pyinfra import host, logger, state
from pyinfra.api.exceptions import OperationValueError
from pyinfra.context import ctx_host
from pyinfra.facts.files import FileContents

from facts.blocks import Blocks
from facts.state import tree_state
from facts.survey import Question, question
from facts.tree import Tree, Trees, TreeState
from operations import rows
from operations.file import File
from operations.script import script
from operations.survey import ask, looks
from operations.telling import tell


@dataclass(frozen=True)
class Checker:
    """How a target is checked: the shell commands of config.tree's ``validate``, in a ``copy`` of the target or a stage
    of our files alone."""

    validate: str
    copy: bool


_checkers: WeakKeyDictionary[Any, dict[str, Checker]] = WeakKeyDictionary()


def checker(target: str) -> Checker | None:
    """The checker that config.tree was given for ``target`` on this host, in this run."""
    return _checkers.get(ctx_host.get(), {}).get(target)


def _of_tree(
    target: str, files: Mapping[str, File], built: Mapping[str, str] | None = None, **_: object
) -> list[Question[TreeState]]:
    return [question(Tree, target=target, paths=sorted({*files, *(built or {})}))]


@looks(_of_tree)
def tree(  # type: ignore[no-untyped-def]
    target: str,
    files: Mapping[str, File],
    validate: str = "true",
    copy: bool = True,
    build: str = "false",
    built: Mapping[str, str] | None = None,
):
    """
    Make ``files`` (relative path: File) what lies below ``target``; what we once put there and no longer declare goes.

    + target: an absolute directory; one call per target and run
    + files: every file that is ours below it
    + validate: shell commands for sh -e; $STAGE is the whole new tree, $TARGET where it will lie; non-zero refuses, and
      what they say tells why. unit.converge runs them once more before it reloads what reads these files
    + copy: stage a copy of the target first, so that the checker sees the files that are not ours; then only what
      changes is sent
    + build: shell commands for sh -e that make one of ``built`` and set its owner and mode, before the checker looks:
      $SOURCE is its source's path below $STAGE
    + built: files that the host makes from others of ``files``: path: its source's path. They have the source's owner
      and mode, are ours as the others are, and are made anew whenever their source changes

    Nothing is touched when the checker refuses. Until a unit has run with the new files, the old ones are kept on the
    host (root only) for unit.converge to put back.
    """
    _refuse_bad_paths(target, files)
    _checkers.setdefault(ctx_host.get(), {})[target] = Checker(validate, copy)
    built = built or {}
    ours = sorted({*files, *built})
    (about,) = _of_tree(target, files, built)
    on_host = ask(about)
    put = sorted(path for path, file in files.items() if on_host.interrupted or not _same(on_host, path, file))
    make = sorted(path for path, source in built.items() if source in put or not _fits(on_host, path, files[source]))
    gone = sorted(set(on_host.manifest) - set(ours))
    if not put and not make and not gone:
        host.noop(f"{len(ours)} files below {target} are as declared")
        return
    tell("files", target, *put, *gone)
    if state.config.DIFF:
        _show_differences(target, files, put, gone)
    yield script(
        "put.sh",
        target,
        tree_state(target),
        "copy" if copy else "bare",
        stdin=_payload(
            {path: files[path] for path in (put if copy else files)},
            _by_rows(target, on_host, {path: files[path] for path in put}) if copy else {},
            put=sorted([*put, *make]),
            gone=gone,
            build=sorted({built[path] for path in make}),
            manifest=ours,
        ),
        parts=("check.sh", "tree.sh"),
        BUILD=build,
        VALIDATE=validate,
    )


def _of_targets(**_: object) -> list[Question[dict[str, str]]]:
    return [question(Trees)]


@looks(_of_targets)
def retire(keep: Iterable[str]):  # type: ignore[no-untyped-def]
    """
    Remove the files of every target that this run does not declare at all (a component left out, another PHP version).

    + keep: the targets of all config.tree calls of this run
    """
    left = {target: kept for target, kept in ask(question(Trees)).items() if target not in set(keep)}
    if not left:
        host.noop("no target has files that nothing declares")
        return
    for target in sorted(left):
        logger.info("    %s: our files below %s are no longer declared: removed", host.name, target)
    yield script("retire.sh", *(left[target] for target in sorted(left)))


def _same(on_host: TreeState, path: str, file: File) -> bool:
    there = on_host.files.get(path)
    return there is not None and (there.mode, there.user, there.group, there.sha256) == (
        file.mode,
        file.user,
        file.group,
        file.sha256,
    )


def _fits(on_host: TreeState, path: str, source: File) -> bool:
    there = on_host.files.get(path)
    if there is None or (there.mode, there.user, there.group) != (source.mode, source.user, source.group):
        return False
    return on_host.digests.get(path, there.sha256) == there.sha256  # else somebody has changed what was made


def _refuse_bad_paths(target: str, files: Mapping[str, File]) -> None:
    bad = [path for path in files if path.startswith("/") or ".." in path.split("/") or "\n" in path or not path]
    if bad or not target.startswith("/") or target == "/":
        raise OperationValueError(f"config.tree: {bad or target} is no path below an absolute directory")


def _by_rows(target: str, on_host: TreeState, files: Mapping[str, File]) -> dict[str, bytes]:
    """Of the long ones among ``files`` that lie on the host: how to make each of the old one."""
    there = () if on_host.interrupted else on_host.files
    long = sorted(path for path, file in files.items() if len(file.data) > rows.LONG and path in there)
    blocks = ask(question(Blocks, target=target, paths=long)) if long else {}
    found = {path: rows.difference(files[path].data, blocks.get(path, ())) for path in long}
    return {path: difference for path, difference in found.items() if difference is not None}


def _payload(files: Mapping[str, File], by_rows: Mapping[str, bytes], **lists: list[str]) -> str:
    """The files to send, whole or ``by_rows``, and the lists of paths by their names, as base64 of a tar.gz."""
    lists["made"] = [f"{files[path].sha256} {path}" for path in sorted(by_rows)]
    members = {name: File("".join(f"{path}\n" for path in paths), "0600") for name, paths in lists.items()}
    members |= {
        f"files/{path}": replace(file, content=b"") if path in by_rows else file for path, file in files.items()
    }
    members |= {f"rows/{path}": File(difference, "0600") for path, difference in by_rows.items()}
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as archive:
        _add_directory(archive, "files")
        for path, file in sorted(members.items()):
            archive.addfile(_member(path, file), io.BytesIO(file.data))
    return base64.encodebytes(gzip.compress(buffer.getvalue(), mtime=0)).decode()


def _add_directory(archive: tarfile.TarFile, path: str) -> None:
    directory = tarfile.TarInfo(path)
    directory.type, directory.mode = tarfile.DIRTYPE, 0o755
    archive.addfile(directory)


def _member(path: str, file: File) -> tarfile.TarInfo:
    member = tarfile.TarInfo(path)
    member.size, member.mode = len(file.data), int(file.mode, 8)
    member.uname, member.gname = file.user, file.group
    return member


def _show_differences(target: str, files: Mapping[str, File], put: list[str], gone: list[str]) -> None:
    """What --diff prints. A file that not everybody may read is named, never shown."""
    for path in put:
        if files[path].mode[-1] == "0":
            logger.info("    %s/%s changes (not shown: not everybody may read it)", target, path)
            continue
        old = ask(question(FileContents, path=f"{target}/{path}")) or []
        new = files[path].data.decode(errors="replace").splitlines()
        for line in difflib.unified_diff(old, new, f"{target}/{path}", f"{target}/{path}", lineterm="", n=1):
            logger.info("    %s", click.style(line, _colour(line)))
    for path in gone:
        logger.info("    %s/%s is removed", target, path)


def _colour(line: str) -> str | None:
    return {"+": "green", "-": "red", "@": "cyan"}.get(line[:1])
