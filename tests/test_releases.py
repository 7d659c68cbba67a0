"""The releases that a run accepts are those that are tried, and those that people are told of."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from deploys.values.releases import RELEASES, SUPPORTED
from lab import releases

ROOT = Path(__file__).parent.parent
ALL = [(distribution, version) for distribution, versions in SUPPORTED.items() for version in versions]


@pytest.mark.parametrize(("distribution", "version"), ALL)
def test_each_release_that_a_run_accepts_has_a_host_to_be_tried_on_and_is_tried_each_night(distribution, version):
    name = f"{distribution}-{version}"
    assert name in releases.RELEASES
    job = yaml.safe_load((ROOT / ".github/workflows/nightly.yml").read_text())["jobs"]["converge"]
    assert name in job["strategy"]["matrix"]["release"]


def test_people_are_told_of_all_of_them_and_of_no_other():
    (told,) = re.findall(r"^Releases: (.+?)\. A host", (ROOT / "README.md").read_text(), re.MULTILINE)
    for said in (told, RELEASES):
        versions = re.findall(r"\d[\d.]*", said)
        assert sorted(versions) == sorted(version for _, version in ALL)
