"""A test that nobody ran proves nothing: in CI it fails."""

import pytest

from tests.nested import nested
from tests.proved import unproved

CI = {"CI": "true"}


@pytest.mark.parametrize(
    "reason",
    [
        "NOT PROVED: ['named'] missing; install bind9, bind9-utils, nsd",
        "NOT PROVED: no shellcheck here; install shellcheck",
        "no chromedriver here (apt install chromium-driver): THE WEBMAIL WAS NOT LOOKED AT IN A BROWSER",
        "Vagrant is not installed here (apt-get install vagrant): the Vagrantfile was not run",
        "debian:13 not reachable here (no route): not run",
        "some new reason",
    ],
)
def test_what_could_have_been_installed_fails_in_ci_and_nowhere_else(reason):
    assert unproved(reason, CI)
    assert not unproved(reason, {})


@pytest.mark.parametrize(
    "reason",
    [
        "ubuntu:24.04 not reachable here (no route): not run",
        "SquirrelMail's source cannot be had here, so THE WEBMAIL WAS NOT TESTED: git could not fetch",
    ],
)
def test_what_no_machine_can_be_blamed_for_may_be_missing(reason):
    assert not unproved(reason, CI)


def test_what_the_archive_does_not_have_may_be_missing():
    reason = "Vagrant is not installed here (apt-get install vagrant): the Vagrantfile was not run"
    assert not unproved(reason, {**CI, "POSTHAUS_NO_PACKAGE": "chromium vagrant"})
    assert unproved(reason, {**CI, "POSTHAUS_NO_PACKAGE": "chromium"})


@pytest.mark.parametrize(("ci", "code"), [("true", 1), ("", 0)])
def test_pytest_itself_counts_it_so(tmp_path, ci, code):
    tests = (
        "import pytest\n\n\n@pytest.mark.skipif(True, reason='no named')\ndef test_x(): pass\n\n\n"
        "def test_y(): pytest.skip('ubuntu:24.04 not reachable here')\n"
    )
    run = nested(tmp_path, tests, ci=ci)
    assert run.returncode == code, run.stdout + run.stderr
    assert ("in CI this has to be tried, and it was not: no named" in run.stdout) == bool(ci)
    assert "1 skipped" in run.stdout or not ci
