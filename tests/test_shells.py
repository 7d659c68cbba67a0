"""Every shell script that runs as root on a host, whole as it is sent there, against ShellCheck."""

from __future__ import annotations

import importlib
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.example import ROOT

OPERATIONS = ROOT / "operations"
FACTS = ROOT / "tests" / "facts"
# What a part of several scripts leaves to the others: functions nobody calls (2317, 2329), names that only some of
# them use (2034) or that come from the environment and look like others (2153). And `a= b=` for two empty ones (1007).
EXCLUDED = "SC2317,SC2329,SC2034,SC2153,SC1007"


def operations() -> Iterator[tuple[str, str]]:
    """Each script of operations/ after all that may come before it."""
    callers = "\n".join(path.read_text() for path in sorted(OPERATIONS.glob("*.py")))
    own = set(re.findall(r'script\(\s*"([\w-]+\.sh)"', callers))
    files = {path.name: path.read_text() for path in sorted(OPERATIONS.glob("*.sh"))}
    assert own <= set(files)
    parts = "\n".join(text for name, text in files.items() if name not in own)
    for name in sorted(own):
        yield f"operations/{name}", f"{parts}\n{files[name]}"


def facts() -> Iterator[tuple[str, str]]:
    """The command of every fact, with what the tests of facts ask it for."""
    for folder in sorted(path for path in FACTS.iterdir() if path.is_dir()):
        module, _, name = folder.name.partition(".")
        fact = getattr(importlib.import_module(f"facts.{module}"), name)()
        given = yaml.safe_load(sorted(folder.glob("*.yaml"))[0].read_text()).get("arg") or []
        command = fact.command(**given) if isinstance(given, dict) else fact.command(*_listed(given))
        text = command if isinstance(command, str) else command.get_raw_value()
        yield f"facts/{folder.name}", str(text)


def _listed(given: object) -> list[object]:
    return list(given) if isinstance(given, list) else [given]


def others() -> Iterator[tuple[str, str]]:
    """What lies beside the components."""
    for path in sorted((ROOT / "deploys").rglob("*.sh")):
        yield str(path.relative_to(ROOT)), path.read_text()


# Names that some script of operations/ gives a value before the parts that read it run.
ASSIGNED = {
    name
    for path in OPERATIONS.glob("*.sh")
    for name in re.findall(r"(?:^|[\s;'\"(]|read -r )(\w+)(?==|\b(?=[ \w]*; do))", path.read_text(), re.MULTILINE)
}
SCRIPTS = dict([*operations(), *facts(), *others()])


@pytest.mark.skipif(not shutil.which("shellcheck"), reason="NOT PROVED: no shellcheck here; install shellcheck")
def test_shellcheck_finds_nothing_in_what_runs_as_root(tmp_path: Path):
    for name, text in SCRIPTS.items():
        file = tmp_path / name.replace("/", "_")
        file.write_text(text if text.startswith("# shellcheck shell=") else f"# shellcheck shell=sh\n{text}\n")
    done = subprocess.run(
        ["shellcheck", "--format=json", "--severity=warning", f"--exclude={EXCLUDED}", *sorted(tmp_path.iterdir())],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    found = {
        f"{Path(one['file']).name}: SC{one['code']}: {one['message']}: "
        + Path(one["file"]).read_text().splitlines()[one["line"] - 1].strip()
        for one in json.loads(done.stdout)
        if not (one["code"] == 2154 and one["message"].split()[0] in ASSIGNED)
    }
    assert not found, "\n".join(sorted(found))


def test_none_is_left_out():
    assert len([name for name in SCRIPTS if name.startswith("operations/")]) > 8
    assert "deploys/access/become.sh" in SCRIPTS
    assert len([name for name in SCRIPTS if name.startswith("facts/")]) == len(list(FACTS.iterdir()))
