"""What the steps of a run say: each of them looks at the host and knows whether it would act. None is carried out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pyinfra import host
from pyinfra.api.exceptions import OperationValueError
from pyinfra.context import ctx_host

from deploys.components.component import Component, Directories, Run, Step, Tree
from deploys.components.host.options import VERSION_FILE
from deploys.components.host.render import debconf
from deploys.drifting.finding import Finding
from deploys.result import CONVERGE
from facts.identity import Identity
from facts.survey import Question, question
from operations import archive, dkim, identity, packages, telling
from operations.survey import ask

MISSING = "a package that mail needs is not installed"


@dataclass(frozen=True)
class Would:
    """A step that would act: of ``component``; ``why``: what it said of itself, or why it refuses."""

    component: str
    step: Step
    why: tuple[str, ...] = ()


def asked(parts: Iterable[Component]) -> list[Question[Any]]:
    """What all steps want to know."""
    found = []
    for _, step in _steps(parts):
        found += step.operation.questions(**step.arguments)
    return found


def _steps(parts: Iterable[Component]) -> Iterator[tuple[str, Step]]:
    for part in parts:
        yield from ((part.name, step) for step in part.steps if not isinstance(step, (Tree, Directories, Run)))


def would(parts: Iterable[Component]) -> list[Would]:
    """The steps that would act. (What trees, directories and services are is looked at by itself.)"""
    found = []
    for component, step in _steps(parts):
        why = _why(step)
        if why is not None:
            found.append(Would(component, step, why))
    return found


def _why(step: Step) -> tuple[str, ...] | None:
    """None: it would do nothing."""
    if step.operation is archive.unpack:
        (about,) = archive.unpack.questions(**step.arguments)
        there = ask(about)
        return None if there.stamp == step.arguments["stamp"] else (f"{step.arguments['target']} is another version",)
    said = telling.of(ctx_host.get()).begun.setdefault(host.current_op_hash or "", [])
    before = len(said)
    commands = step.operation.__wrapped__(**step.arguments)  # type: ignore[attr-defined]
    try:
        next(commands)
    except StopIteration:
        return None
    except OperationValueError as error:
        return (str(error),)
    finally:
        commands.close()
    return tuple(detail for one in said[before:] for detail in one.details)


def results(found: Sequence[Would], named: Iterable[str]) -> list[Finding]:
    """A finding for each, unless one of the paths that are ``named`` already is what it would act upon."""
    paths = list(named)
    return [one for each in found if not _told(each.step, paths) for one in _findings(each)]


def _told(step: Step, named: Iterable[str]) -> bool:
    own = [path for path in _paths(list(step.arguments.values()))]
    return any(one == path or one.startswith(f"{path}/") for one in named for path in own)


def _paths(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        if value.startswith("/") and "\n" not in value and len(value) < 200:
            yield value.rstrip("/")
    elif isinstance(value, (list, tuple, set, frozenset, dict)):
        for one in value:
            yield from _paths(one)


def _findings(one: Would) -> Iterator[Finding]:
    if one.step.operation is identity.known:
        yield from _identity(one)
    elif one.step.operation is packages.installed:
        for name in one.why:
            yield Finding("packages", name, MISSING, "Packages", f"{CONVERGE}, which installs it")
    elif one.step.operation is dkim.keys and not one.why and _only_to_note(one.step):
        seen = "which keys they are is noted at the next run"
        yield Finding("steps", one.step.name, seen, one.component, CONVERGE, "declared")
    else:
        why = f": {'; '.join(one.why)}" if one.why else ""
        seen = f"not as the last run left it{why}"
        yield Finding("steps", one.step.name, seen, one.component, f"{CONVERGE}, which does this again", "either")


def _only_to_note(step: Step) -> bool:
    """Whether all keys lie there as they should, and a run of old noted no more than their names."""
    (about,) = dkim.keys.questions(**step.arguments)
    there = ask(about)
    return bool(there.unnoted) and not there.loose and set(step.arguments["names"]) <= set(there.digests)


def _identity(one: Would) -> Iterator[Finding]:
    arguments = one.step.arguments
    there = ask(question(Identity, paths=sorted({*arguments["files"], *arguments["rewritten"]})))
    wished = {
        **arguments["files"],
        **{path: f(there.files.get(path, "")) for path, f in arguments["rewritten"].items()},
    }
    for path, text in sorted(wished.items()):
        if there.files.get(path) != text:
            cause = "declared" if path == VERSION_FILE else "hand"
            seen = "another version of Posthaus ran here last" if path == VERSION_FILE else "changed by hand"
            yield Finding("files", path, seen, one.component, f"{CONVERGE} puts it back", cause)  # type: ignore[arg-type]
    if there.hostname != arguments["hostname"]:
        seen = f"the host calls itself {there.hostname}, not {arguments['hostname']}"
        yield Finding("steps", "hostname", seen, one.component, f"{CONVERGE} puts it back")


def installation(hostname: str, names: Sequence[str]) -> Step:
    """The step that a run begins with."""
    return Step("Install packages", packages.installed, {"packages": names, "debconf": debconf(hostname)})
