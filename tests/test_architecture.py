"""Imports run one way, entry point → checks → components → options → values: each module's, read without running it."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
OURS = ("deploys", "facts", "operations", "lab")
# From the bottom up: a module may import what stands in its own row or above it on this page. The longest prefix
# says which row is a module's; "*" is any one name.
LAYERS = (
    ("deploys.values", "deploys.result", "facts.state"),
    ("facts",),
    ("operations",),
    (
        "deploys.asking",
        "deploys.render",
        "deploys.shipping",
        "deploys.probes",
        "deploys.download",
        "deploys.config.base",
        "deploys.php",
    ),
    # What may be declared, each part's own.
    (
        "deploys.components.*.options",
        "deploys.components.tls.acme",
        "deploys.components.tls.pem",
        "deploys.config.addresses.options",
        "deploys.records.dkimkey",
        "deploys.records.options",
        "deploys.records.tsig",
        "deploys.takeover.options",
    ),
    ("deploys.config",),
    ("deploys.access", "deploys.editing", "deploys.records", "deploys.site"),
    ("deploys.components",),
    ("deploys.takeover",),
    ("deploys.preflight",),
    ("deploys.adopting",),
    ("deploys.summary",),
    ("deploys.checks",),
    ("deploys",),
    ("lab",),
)
# These import nothing of ours.
BOTTOM = ("deploys.values", "deploys.result", "facts.state")


def exists(module: str) -> bool:
    path = ROOT.joinpath(*module.split("."))
    return path.with_suffix(".py").exists() or path.is_dir()


@cache
def modules() -> tuple[str, ...]:
    paths = [path for folder in OURS for path in sorted((ROOT / folder).rglob("*.py"))]
    names = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in paths]
    return tuple(name.removesuffix(".__init__") for name in names)


def imports(module: str) -> set[str]:
    """The modules of ours that ``module`` imports, also those within functions."""
    path = ROOT.joinpath(*module.split("."))
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            assert not node.level, f"{module} imports relatively; write the whole name"
            whole = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if exists(name) else node.module for name in whole}
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return {name for name in found if name.split(".")[0] in (*OURS, "tests")}


@cache
def arrows() -> frozenset[tuple[str, str]]:
    return frozenset((module, imported) for module in modules() for imported in imports(module))


def layer(module: str) -> int:
    """The row of ``module`` in LAYERS."""
    parts = module.split(".")
    matching = [
        (len(wanted), row)
        for row, prefixes in enumerate(LAYERS)
        for wanted in (prefix.split(".") for prefix in prefixes)
        if len(wanted) <= len(parts) and all(a in ("*", b) for a, b in zip(wanted, parts, strict=False))
    ]
    return max(matching)[1]


def room(module: str) -> str:
    """The component that ``module`` is of; "" for what is of none."""
    parts = module.split(".")
    return parts[2] if parts[:2] == ["deploys", "components"] and len(parts) > 3 else ""


def test_no_import_runs_back_up():
    up = {(module, imported) for module, imported in arrows() if layer(imported) > layer(module)}
    assert up == set()


def test_a_component_knows_no_more_of_another_than_what_may_be_declared_of_it():
    options = layer("deploys.components.rspamd.options")
    known = {
        (module, imported)
        for module, imported in arrows()
        if room(module) and room(imported) not in ("", room(module)) and layer(imported) > options
    }
    assert known == set()


@pytest.mark.parametrize("bottom", BOTTOM)
def test_what_lies_at_the_bottom_imports_nothing_but_its_like(bottom: str):
    assert {pair for pair in arrows() if pair[0].startswith(bottom) and not pair[1].startswith(bottom)} == set()


@pytest.mark.parametrize("folder", ["facts", "operations"])
def test_facts_and_operations_know_nothing_of_mail(folder: str):
    assert {pair for pair in arrows() if pair[0].startswith(folder) and pair[1].startswith("deploys")} == set()


def test_the_product_imports_no_test():
    assert {pair for pair in arrows() if pair[1].split(".")[0] == "tests"} == set()


def test_the_rows_stand_in_the_order_that_is_meant():
    assert layer("deploys.components.rspamd.options") < layer("deploys.config.mailserver")
    assert layer("deploys.config.mailserver") < layer("deploys.components.rspamd.render") < layer("deploys.mail")
