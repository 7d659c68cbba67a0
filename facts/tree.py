"""The files of one target as they lie on the host, and what Posthaus once put there."""

from __future__ import annotations

import stat
from dataclasses import dataclass, field

from pyinfra.api import FactBase, QuoteString, StringCommand
from typing_extensions import override

from facts import lists
from operations.state import ROOT, tree_state


@dataclass(frozen=True)
class OnDisk:
    """One path: mode as four octal digits, owner and group names, and the content's SHA-256 (None: no regular file)."""

    mode: str
    user: str
    group: str
    sha256: str | None


@dataclass
class TreeState:
    """``files``: those of the asked paths that exist; ``manifest``: the paths that are ours; ``interrupted``: a run
    died while renaming; ``unproved``: no unit has yet run with the newest files."""

    files: dict[str, OnDisk] = field(default_factory=dict)
    manifest: list[str] = field(default_factory=list)
    interrupted: bool = False
    unproved: bool = False


class Tree(FactBase[TreeState]):
    """State of ``paths`` (relative) below ``target``, in one command. Many stand on its standard input, a line each.

    ``pyinfra inventory.py fact facts.tree.Tree target=/etc/dovecot paths='["dovecot.conf"]'``
    """

    default = TreeState

    @override
    def command(self, target: str, paths: list[str] | None = None) -> StringCommand:
        return StringCommand(
            lists.read(paths),
            StringCommand("S=", QuoteString(tree_state(target)), ";", _separator=""),
            "sed 's/^/M /' \"$S/manifest\" 2>/dev/null;",
            '[ ! -e "$S/undo/complete" ] || echo I; [ ! -d "$S/previous" ] || echo U;',
            "cd",
            QuoteString(target),
            "2>/dev/null && {",
            lists.each("stat -c 'F %f %U %G %n' --"),
            ";",
            lists.each("sha256sum --"),
            "; } 2>/dev/null; true",
        )

    @override
    def process(self, output: list[str]) -> TreeState:
        tree = TreeState()
        hashes: dict[str, str] = {}
        stats: dict[str, tuple[int, str, str]] = {}
        for line in output:
            kind, _, rest = line.partition(" ")
            if kind == "M":
                tree.manifest.append(rest)
            elif kind == "I":
                tree.interrupted = True
            elif kind == "U":
                tree.unproved = True
            elif kind == "F":
                mode, user, group, path = rest.split(" ", 3)
                stats[path] = (int(mode, 16), user, group)
            elif len(kind) == 64:
                hashes[rest[1:]] = kind
        for path, (bits, owner, owning_group) in stats.items():
            sha256 = hashes.get(path) if stat.S_ISREG(bits) else None
            tree.files[path] = OnDisk(f"{stat.S_IMODE(bits):04o}", owner, owning_group, sha256)
        return tree


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
