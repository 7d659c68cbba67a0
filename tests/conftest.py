"""Words written to a file and read as an operator's are: accepted, or refused with reasons."""

import os
from collections.abc import Generator

import pytest
import yaml
from xdist.scheduler import LoadScopeScheduling

from deploys.config.read import SettingsError, settings
from tests.example import SECRET, example
from tests.proved import unproved
from tests.sharing import group


class ByRelease(LoadScopeScheduling):
    """Where several processes share the tests, each release is one process's: it alone has that host."""

    def _split_scope(self, nodeid: str) -> str:
        return group(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> ByRelease:
    # --dist loadgroup of xdist 3.8 groups nothing with pytest 9.2, and says nothing of it.
    return ByRelease(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI, what was not tried for want of a program is a failure."""
    report = yield
    if report.skipped and isinstance(report.longrepr, tuple) and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2].removeprefix("Skipped: ")
        if unproved(reason, os.environ):
            report.outcome = "failed"
            report.longrepr = f"{report.nodeid}: in CI this has to be tried, and it was not: {reason}"
    return report


@pytest.fixture
def write(tmp_path):
    """A mail.yaml with the given text, or the example with changes."""

    def written(text=None, **changes):
        path = tmp_path / "mail.yaml"
        text = yaml.safe_dump(example(**changes), allow_unicode=True, sort_keys=False) if text is None else text
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return written


@pytest.fixture
def refusal(write):
    """The reasons for which words are refused, without the path in front: ``line: key: sentence``."""

    def refused(text=None, **changes):
        path = write(text, **changes)
        with pytest.raises(SettingsError) as caught:
            settings(path)
        assert SECRET not in str(caught.value)
        return [line.removeprefix(f"{path}:").strip() for line in caught.value.lines]

    return refused


@pytest.fixture
def accepted(write):
    return lambda text=None, **changes: settings(write(text, **changes))
