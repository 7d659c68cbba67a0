"""What a release is: one version said once, and an archive that anybody can build again to the byte."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
import yaml

from deploys.components.host.component import noted
from deploys.components.squirrelmail.options import BRANCHES
from deploys.values.version import version
from tests.settings import ROOT

GIT = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*"}
needs_git = pytest.mark.skipif(
    not (ROOT / ".git").exists() or not shutil.which("git"), reason="NOT PROVED: this is no git checkout"
)


def run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run(
        command, cwd=cwd, env={**os.environ, **GIT, "PYTHON": sys.executable},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_script_and_host_tell_the_version_of_pyproject():
    assert run(ROOT / "script" / "version", cwd=Path("/")).startswith(f"posthaus {version()}")
    assert noted("mail.example.com").arguments["files"] == {"/var/lib/posthaus/version": f"{version()}\n"}
    assert f"\n## {version()}\n" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


@needs_git
def test_the_same_commit_is_the_same_archive_wherever_it_is_built(tmp_path: Path):
    built = []
    for place in ("here", "elsewhere"):
        run("git", "clone", "--quiet", "--no-hardlinks", ROOT, tmp_path / place, cwd=tmp_path)
        (tmp_path / place / "left-behind").write_text("not committed")
        run(tmp_path / place / "script" / "release", tmp_path / place / "out", cwd=tmp_path)
        (archive,) = (tmp_path / place / "out").glob("*.tar.gz")
        built.append(archive.read_bytes())
        said = archive.with_name(f"{archive.name}.sha256").read_text()
        assert said == f"{hashlib.sha256(built[-1]).hexdigest()}  {archive.name}\n"
    assert built[0] == built[1]
    with tarfile.open(archive) as tar:
        names = tar.getnames()
        source = tar.extractfile(f"posthaus-{version()}/WEBMAIL-SOURCE.txt")
        assert source is not None
        text = source.read().decode()
    for pinned in BRANCHES.values():
        assert str(pinned.git) in text
        assert str(pinned.commit) in text
    assert {f"posthaus-{version()}/{name}" for name in ("LICENSE", "README.md", "script/setup")} <= set(names)
    assert not [name for name in names if "left-behind" in name or "/.git/" in name]


def test_forms_for_issues_are_what_github_reads():
    forms = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))
    assert len(forms) >= 2
    for form in forms:
        read = yaml.safe_load(form.read_text(encoding="utf-8"))
        assert set(read) >= {"name", "description", "body"}
        for part in read["body"]:
            assert part["type"] in ("markdown", "textarea", "input", "dropdown")
            assert part["attributes"].get("label") or part["attributes"].get("value")
