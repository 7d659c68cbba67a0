"""Debian packages of all components, in one apt run that waits for others and never asks."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from pyinfra import host

from facts.packages import Package, Packages
from facts.state import BACKGROUND
from facts.survey import Question, question
from operations.script import script
from operations.survey import ask, looks
from operations.telling import takes, tell

WAIT_SECONDS = 600
# Downloading and installing them, near a mirror and far from one; 35 s were measured on two busy cores.
FEW, FEW_SECONDS, ALL_SECONDS = 3, (5, 30), (30, 180)


def _of_packages(packages: Collection[str], **_: object) -> list[Question[dict[str, Package]]]:
    return [question(Packages, packages=sorted(set(packages)), candidates=False)]


@looks(_of_packages)
def installed(  # type: ignore[no-untyped-def]
    packages: Collection[str],
    debconf: Iterable[str] = (),
    wait: int = WAIT_SECONDS,
    background: str = "",
    prepare: str = "",
):
    """
    Install what is missing of ``packages``, without recommended packages, and start none of their services.

    + packages: names in Debian's archive
    + debconf: answers to questions that installation asks, as debconf-set-selections(1) reads them
    + wait: seconds to wait for another package manager; then the run fails and names the lock and its holder
    + prepare: shell commands before anything is installed: what the packages' own scripts will read
    + background: shell commands that begin once all are installed, and take their time beside whatever comes next, as
      the unit BACKGROUND. Who needs their end looks for it

    A dpkg that was interrupted is completed first. Configuration files that an administrator changed stay as they are.
    """
    wanted = sorted(set(packages))
    (about,) = _of_packages(wanted)
    known = ask(about)
    if all(package in known and known[package].installed for package in wanted):
        host.noop(f"all {len(wanted)} packages are installed")
        return
    missing = [package for package in wanted if package not in known or not known[package].installed]
    tell("packages", "", *missing)
    takes(f"installs {_named(missing)}, with what they need", FEW_SECONDS if len(missing) <= FEW else ALL_SECONDS)
    answers = "\n".join(debconf)
    yield script(
        "install.sh", str(wait), *wanted, stdin=answers, BACKGROUND=background, UNIT=BACKGROUND, PREPARE=prepare
    )


def _named(missing: list[str]) -> str:
    return f"{len(missing)} packages" if len(missing) > FEW else ", ".join(missing)
