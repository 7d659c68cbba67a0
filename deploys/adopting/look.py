"""What a host says of its mail server, in two remote commands: what it was told, then what of that is there.

Not a fact: a fact's answer can be printed by pyinfra, and hashes of passwords are among it.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from pyinfra import host
from pyinfra.api import QuoteString, StringCommand
from pyinfra.api.arguments import CONNECTOR_ARGUMENT_KEYS, pop_global_arguments
from pyinfra.api.exceptions import DeployError
from pyinfra.context import ctx_host, ctx_state

from facts.shell import without_comments

_PROGRAM = without_comments((Path(__file__).parent / "look.sh").read_text(encoding="utf-8"))
_THERE = """export LC_ALL=C
while IFS= read -r line; do path=${line#* }
case $line in
'is '*) if [ -d "$path" ]; then echo "D $path"; elif [ -s "$path" ]; then echo "R $path"; fi ;;
'text '*) [ ! -f "$path" ] || printf 'F %s %s\\n' "$path" "$(head -c 100000 -- "$path" | base64 -w0)" ;;
esac; done; true
"""


@dataclass(frozen=True)
class Told:
    """``words``: what the host says of itself, by name; ``parameters``: Postfix's; ``files``: texts by path;
    ``certificates``: their names, by path; ``cut``: files of which only the beginning is in ``files``."""

    words: dict[str, str] = field(default_factory=dict)
    parameters: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict, repr=False)
    certificates: dict[str, str] = field(default_factory=dict)
    cut: tuple[str, ...] = ()


@dataclass(frozen=True)
class There:
    """Of the paths that were asked for: ``directories`` and non-empty ``files``, and the ``texts`` of some."""

    directories: frozenset[str] = frozenset()
    files: frozenset[str] = frozenset()
    texts: dict[str, str] = field(default_factory=dict, repr=False)

    def has(self, path: str) -> bool:
        """Whether there is anything at ``path``."""
        return path in self.directories or path in self.files


def told() -> Told:
    """What the present host was told."""
    return read(said(StringCommand("sh", "-c", QuoteString(_PROGRAM))))


def read(lines: Iterable[str]) -> Told:
    """What look.sh printed."""
    kinds: dict[str, dict[str, str]] = {"N": {}, "P": {}, "F": {}, "C": {}, "L": {}}
    for line in lines:
        kind, _, rest = line.partition(" ")
        name, _, text = rest.rpartition(" ")
        if kind in kinds:
            kinds[kind][name] = base64.b64decode(text).decode("utf-8", "replace")
    parameters = {name: value.strip() for name, value in kinds["P"].items()}
    return Told(kinds["N"], parameters, kinds["F"], kinds["C"], tuple(kinds["L"]))


def there(paths: Iterable[str], texts: Iterable[str]) -> There:
    """Which of ``paths`` are there on the present host, and what stands in ``texts``."""
    asked = [*(f"is {one}" for one in dict.fromkeys(paths)), *(f"text {one}" for one in dict.fromkeys(texts))]
    good = [line for line in asked if "\n" not in line]
    return found(said(StringCommand("sh", "-c", QuoteString(_THERE)), "\n".join([*good, ""])))


def found(lines: Iterable[str]) -> There:
    """What that command printed."""
    rows = [line.split(" ", 1) for line in lines if " " in line]
    texts = {path: text for kind, rest in rows if kind == "F" for path, _, text in (rest.rpartition(" "),)}
    return There(
        frozenset(path for kind, path in rows if kind == "D"),
        frozenset(path for kind, path in rows if kind == "R"),
        {path: base64.b64decode(text).decode("utf-8", "replace") for path, text in texts.items()},
    )


def said(command: StringCommand, stdin: str = "") -> list[str]:
    """What the present host says to ``command``, as root; nobody sees it in passing. DeployError where it fails."""
    arguments = pop_global_arguments(ctx_state.get(), ctx_host.get(), {})[0]
    as_root = {key: value for key, value in arguments.items() if key in CONNECTOR_ARGUMENT_KEYS} | {"_stdin": stdin}
    done, output = host.run_shell_command(command, print_output=False, print_input=False, **as_root)
    if not done:
        raise DeployError(f"{host.name} cannot be looked at: {' '.join(output.stderr_lines)[:500]}")
    return list(output.stdout_lines)
