"""The files of one target as they lie on the host, and what Posthaus once put there."""

from __future__ import annotations

import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pyinfra.api import FactBase, QuoteString, StringCommand
from typing_extensions import override

from facts import lists
from facts.many import Asked, Many
from facts.record import Record
from facts.state import ROOT, tree_state

_INTERRUPTED, _UNPROVED = "undo/complete", "previous"  # below a target's state; see operations/tree.sh


@dataclass(frozen=True)
class OnDisk(Record):
    """One path: mode as four octal digits, owner and group names, and the content's SHA-256 (None: no regular file)."""

    mode: str
    user: str
    group: str
    sha256: str | None


@dataclass
class TreeState(Record):
    """``files``: those of the asked paths that exist; ``manifest``: the paths that are ours, and ``digests`` what they
    held when a run last put any (SHA-256, hex; of a run of old there are none); ``interrupted``: a run died while
    renaming; ``unproved``: no unit has yet run with the newest files."""

    files: dict[str, OnDisk] = field(default_factory=dict)
    manifest: list[str] = field(default_factory=list)
    digests: dict[str, str] = field(default_factory=dict)
    interrupted: bool = False
    unproved: bool = False


class Tree(Many[TreeState]):
    """State of ``paths`` (relative) below ``target``.

    ``pyinfra inventory.py fact facts.tree.Tree target=/etc/dovecot paths='["dovecot.conf"]'``
    """

    default = TreeState

    @override
    def command(self, target: str, paths: list[str]) -> StringCommand:
        return self.alone(target=target, paths=paths)

    @override
    @classmethod
    def together(cls, asked: Asked) -> StringCommand:
        states = [tree_state(one["target"]) for one in asked]
        marks = [f"{state}/{mark}" for state in states for mark in (_INTERRUPTED, _UNPROVED)]
        return StringCommand(
            "{ grep -aH '' --",
            *[QuoteString(f"{state}/{name}") for state in states for name in ("manifest", "digests")],
            "; ls -d --",
            *[QuoteString(mark) for mark in marks],
            "| sed 's/^/there /';",
            lists.lines(f"{one['target']}/{path}" for one in asked for path in one["paths"]),
            lists.each("stat -c 'stat %f %U %G %n' --"),
            ";",
            lists.each("sha256sum --"),
            "; } 2>/dev/null; true",
        )

    @override
    @classmethod
    def apart(cls, asked: Asked, output: list[str]) -> list[TreeState]:
        files: dict[str, OnDisk] = {}
        hashes = {line[66:]: line[:64] for line in output if line[64:66] == "  "}
        for line in output:
            if line.startswith("stat "):
                _, bits, user, group, path = line.split(" ", 4)
                files[path] = _on_disk(int(bits, 16), user, group, hashes.get(path))
        return [_tree(one["target"], one["paths"], files, output) for one in asked]


def _on_disk(bits: int, user: str, group: str, sha256: str | None) -> OnDisk:
    return OnDisk(f"{stat.S_IMODE(bits):04o}", user, group, sha256 if stat.S_ISREG(bits) else None)


def _tree(target: str, paths: Iterable[str], files: Mapping[str, OnDisk], output: list[str]) -> TreeState:
    state = tree_state(target)
    manifest, digests = f"{state}/manifest:", f"{state}/digests:"
    put = (line.removeprefix(digests).split("  ", 1) for line in output if line.startswith(digests))
    return TreeState(
        files={path: files[f"{target}/{path}"] for path in paths if f"{target}/{path}" in files},
        manifest=[line.removeprefix(manifest) for line in output if line.startswith(manifest)],
        digests={path: digest for digest, path in put},
        interrupted=f"there {state}/{_INTERRUPTED}" in output,
        unproved=f"there {state}/{_UNPROVED}" in output,
    )


class Trees(FactBase[dict[str, str]]):
    """Every target that Posthaus has files in: ``{target: its state directory}``."""

    default = dict

    @override
    def command(self) -> str:
        return f"grep -H . {ROOT}/trees/*/target 2>/dev/null; true"

    @override
    def process(self, output: list[str]) -> dict[str, str]:
        pairs = (line.split(":", 1) for line in output)
        return {target: path.removesuffix("/target") for path, target in pairs}
