"""What is installed and what could be."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from pyinfra.api import FactBase, QuoteString, StringCommand
from typing_extensions import override

from facts.record import Record

# A bare image has empty package lists. A fact changes nothing, so it fills a directory of its own and removes it.
# Reading apt's cache takes five times as long as asking dpkg: only of what is not installed.
_POLICY = """for package; do shift
    case $known in *"dpkg installed $package "*) ;; *) set -- "$@" "$package" ;; esac
done
[ $# != 0 ] || exit 0
options=
if ! ls /var/lib/apt/lists/*_Packages* >/dev/null 2>&1; then
    lists=$(mktemp -d) && options="-o Dir::State::Lists=$lists -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= \
-o Acquire::Languages=none -o APT::Sandbox::User=root"
    apt-get update -qq $options >/dev/null 2>&1
fi
LC_ALL=C apt-cache $options policy "$@" 2>/dev/null
[ -z "$lists" ] || rm -rf -- "$lists"
"""
_INSTALLED = """known=$(LC_ALL=C dpkg-query -W -f 'dpkg ${db:Status-Status} ${Package} ${Version}\\n' "$@" 2>/dev/null)
printf '%s\\n' "$known"
"""


@dataclass(frozen=True)
class Package(Record):
    """Versions as Debian writes them; None: not (completely) installed, or nothing to be had. What could be had of an
    installed package is not asked."""

    installed: str | None = None
    candidate: str | None = None


def policy(packages: Iterable[str], candidates: bool = True) -> StringCommand:
    """Shell text that says what ``package_versions`` reads. Changes nothing on the host, root or not."""
    script = f"{_INSTALLED}{_POLICY if candidates else ''}true"
    return StringCommand("sh", "-c", QuoteString(script), "policy", *[QuoteString(p) for p in sorted(packages)])


def package_versions(lines: Iterable[str]) -> dict[str, Package]:
    """``{name: Package}`` from the output of ``policy``; a package that is only half configured is not installed."""
    installed: dict[str, str] = {}
    candidate: dict[str, str] = {}
    current = ""
    for line in lines:
        words = line.split()
        if words[:2] == ["dpkg", "installed"] and len(words) == 4:
            installed[words[2]] = words[3]
        elif line.endswith(":") and not line.startswith(" "):
            current = line[:-1]
        elif words[:1] == ["Candidate:"] and words[1] != "(none)":
            candidate[current] = words[1]
    return {
        package: Package(installed.get(package), candidate.get(package)) for package in sorted({*installed, *candidate})
    }


class Packages(FactBase[dict[str, Package]]):
    """Installed and candidate version of each package; one that is neither is left out.

    ``candidates=false`` asks only dpkg, which takes milliseconds; apt's answer takes seconds where its lists are empty.

    ``pyinfra inventory.py fact facts.packages.Packages packages='["postfix", "dovecot-core"]'``
    """

    default = dict

    @override
    def command(self, packages: list[str], candidates: bool = True) -> StringCommand:
        return policy(packages, candidates)

    @override
    def process(self, output: list[str]) -> dict[str, Package]:
        return package_versions(output)


class Lacking(FactBase[list[str]]):
    """The packages that apt would have to install or replace before those that are half way can be set up; none where
    they only have to be set up.

    ``pyinfra inventory.py fact facts.packages.Lacking``
    """

    default = list

    @override
    def command(self) -> str:
        return "LC_ALL=C apt-get --simulate --fix-broken install 2>/dev/null || true"

    @override
    def process(self, output: list[str]) -> list[str]:
        return sorted(line.split()[1] for line in output if line.startswith("Inst "))


@dataclass(frozen=True)
class LeftoverState(Record):
    """What an upgrade left: packages ``half`` way, with dpkg's word for each, and ``dist_files``: its own versions of
    files of ours (a package that is half way has *.dpkg-new for all of them: these are left out)."""

    half: dict[str, str] = field(default_factory=dict)
    dist_files: tuple[str, ...] = ()


class Leftovers(FactBase[LeftoverState]):
    """Packages that are not completely installed, and below ``directories`` packages' own versions of changed files.

    ``pyinfra inventory.py fact facts.packages.Leftovers directories='["/etc/postfix"]'``
    """

    default = LeftoverState

    @override
    def command(self, directories: list[str]) -> StringCommand:
        return StringCommand(
            "dpkg-query -W -f 'P ${db:Status-Status} ${Package}\\n';",
            "find",
            *[QuoteString(directory) for directory in directories],
            r"\( -name '*.dpkg-dist' -o -name '*.dpkg-new' -o -name '*.ucf-dist' -o -name '*.ucf-new' \)",
            "-printf 'B %p\\n' 2>/dev/null; true",
        )

    @override
    def process(self, output: list[str]) -> LeftoverState:
        packages = [line.split(" ", 2)[1:] for line in output if line.startswith("P ")]
        settled = ("installed", "config-files", "not-installed")
        half = {package: status for status, package in packages if status not in settled}
        found = sorted(line[2:] for line in output if line.startswith("B "))
        return LeftoverState(half, tuple(path for path in found if not (half and path.endswith(".dpkg-new"))))


def upstream(version: str | None, parts: int = 2) -> str | None:
    """The first ``parts`` numbers of the upstream version: ``1:2.4.1+dfsg1-6`` gives ``2.4`` (deb-version(7))."""
    if version is None:
        return None
    numbers = version.split(":", 1)[-1].replace("+", ".").replace("-", ".").replace("~", ".").split(".")
    return ".".join(numbers[:parts])
