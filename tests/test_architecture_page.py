"""docs/architecture.md names what there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from deploys.components.all import COMPONENTS

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
CODE = "\n".join(path.read_text(encoding="utf-8") for path in [*ROOT.glob("deploys/**/*.py"), *ROOT.glob("*/*.py")])
NAMED = sorted(set(re.findall(r"`(?:[\w.]+\.)?(\w+)(?:\(\w*…?\))`", PAGE)))
CONSTANTS = sorted(set(re.findall(r"`([A-Z][A-Z_]+)`", PAGE)) - {"NAME", "ADDRESS"})
PATHS = sorted(set(re.findall(r"(?<![\w/*}])((?:deploys|facts|operations|lab|tests|docs|script)/[\w./-]+\w)", PAGE)))


@pytest.mark.parametrize("name", NAMED)
def test_each_function_that_the_page_names_is_there(name: str):
    assert re.search(rf"def {name}\(|class {name}\b", CODE)


@pytest.mark.parametrize("name", CONSTANTS)
def test_each_list_that_the_page_names_is_there(name: str):
    assert re.search(rf"^{name}\b[^=\n]*=", CODE, re.MULTILINE)


@pytest.mark.parametrize("path", [path for path in PATHS if "NAME" not in path])
def test_each_file_that_the_page_names_is_there(path: str):
    assert (ROOT / path).exists()


def test_the_picture_has_the_components_in_their_order():
    (drawn,) = re.findall(r"COMPONENTS = (.+)", PAGE)
    assert drawn.split() == [one.__module__.split(".")[2] for one in COMPONENTS]
