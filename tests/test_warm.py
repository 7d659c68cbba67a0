"""A run forked from an interpreter that has pyinfra imported is what a process of its own would be."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from lab.pyinfra import ROOT, command
from lab.warm import Warm
from tests.settings import example

SHOW = "--", "printf '%s\\n' \"$POSTHAUS_SHOWN\" $(pwd)"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "inventory.py").write_text("mail = ['@local']\n")
    (tmp_path / "mail.yaml").write_text(yaml.safe_dump(example()))
    return tmp_path


@pytest.fixture(scope="module")
def warm() -> Warm:
    return Warm()


@pytest.mark.parametrize("arguments", [("exec", *SHOW), ("no-such-deploy.py",)])
def test_it_says_and_returns_the_same(warm: Warm, site: Path, arguments: tuple[str, ...]):
    call = [command(), "inventory.py", *arguments]
    env = {**os.environ, "POSTHAUS_SITE": str(site), "POSTHAUS_SHOWN": "żółć ' \""}
    alone = subprocess.run(call, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    forked = warm.run(call, ROOT, env, 60)
    assert (forked.returncode, forked.stdout, forked.stderr) == (alone.returncode, alone.stdout, alone.stderr)
    assert ("żółć" in forked.stderr) == ("exec" in arguments)


def test_a_run_that_takes_too_long_is_killed_and_the_next_one_runs(warm: Warm, site: Path):
    env = {**os.environ, "POSTHAUS_SITE": str(site)}
    with pytest.raises(subprocess.TimeoutExpired):
        warm.run([command(), "inventory.py", "exec", "--", "sleep 30"], ROOT, env, 0.5)
    assert warm.run([command(), "--version"], ROOT, env, 60).stdout.startswith("pyinfra: v")


def test_another_locale_takes_an_interpreter_of_its_own(warm: Warm):
    assert warm.serves({**os.environ, "POSTHAUS_SITE": "/elsewhere"})
    assert not warm.serves({**os.environ, "LC_ALL": "C.other"})
    assert not warm.serves({**os.environ, "PYTHONUTF8": "0"})


def test_what_the_entry_points_import_is_there():
    told = "import sys; from lab import warm; warm.prepare(); print('deploys.config.mailserver' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", told], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"
