"""The trial for those who like Vagrant: its docker provider and pyinfra's @vagrant, from nothing to verify."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from lab import engine as lab_engine
from lab.pyinfra import ROOT
from lab.trial import free_port

pytestmark = [pytest.mark.host, pytest.mark.webmail]


class Checkout:
    """A copy of the project, so that an operator's own .trial/ and .vagrant/ stay as they are."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        files = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True).stdout
        for name in filter(None, files.decode().split("\0")):
            (directory / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, directory / name, follow_symlinks=False)

    def run(self, *settings: str, seconds: int = 900) -> subprocess.CompletedProcess[str]:
        """One command of a person who stands in the checkout."""
        path = f"{self.directory}/.venv/bin:{os.environ['PATH']}"
        own = {
            "PATH": path,
            "POSTHAUS_WEB_PORT": str(free_port()),
            "VAGRANT_CHECKPOINT_DISABLE": "1",
            "LC_ALL": "C.UTF-8",
        }
        inherited = {key: value for key, value in os.environ.items() if key != "POSTHAUS_SITE"}
        return subprocess.run(
            settings, cwd=self.directory, env={**inherited, **own}, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=seconds,
        )  # fmt: skip


@pytest.fixture
def checkout(engine: docker.DockerClient, tmp_path: Path) -> Iterator[Checkout]:
    if not shutil.which("vagrant"):
        pytest.skip("Vagrant is not installed here (apt-get install vagrant): the Vagrantfile was not run")
    made = Checkout(tmp_path / "posthaus")
    yield made
    made.run("vagrant", "destroy", "-f")


def test_vagrant_up_and_the_very_command_make_a_mail_server(checkout: Checkout) -> None:
    assert lab_engine.answers()
    up = checkout.run("vagrant", "up", "--provider=docker")
    assert up.returncode == 0, up.stdout + up.stderr
    for deploy, told in (("deploys/mail.py", "+ tito@example.com"), ("deploys/verify.py", " ok, in ")):
        run = checkout.run("pyinfra", "inventory.py", deploy, "-y")
        assert run.returncode == 0, run.stdout + run.stderr
        assert told in run.stdout + run.stderr
    again = checkout.run("pyinfra", "inventory.py", "deploys/mail.py", "-y", "--json")
    assert '"success": 0' in again.stdout, again.stdout + again.stderr
