"""Settings written to a file and read as an operator's are: accepted, or refused with reasons."""

import os
from collections.abc import Generator

import pytest
import yaml
from xdist.scheduler import LoadScopeScheduling

from deploys.config.read import SettingsError, settings
from tests.durations import table
from tests.long import LongTests
from tests.proved import in_ci, unproved
from tests.second_try import SecondTry
from tests.settings import SECRET, example
from tests.sharing import IMAGES, group, longest_first


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="run the long tests too, as the nightly does")


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(LongTests(config.option.long), "long-tests")
    config.pluginmanager.register(SecondTry(in_ci(os.environ)), "second-try")


class ByGroup(LoadScopeScheduling):
    """Where several processes share the tests: one file's tests on one release are one process's."""

    def _split_scope(self, nodeid: str) -> str:
        return group(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> ByGroup:
    # --dist loadgroup of xdist 3.8 groups nothing with pytest 9.2, and says nothing of it.
    config.option.loadscopereorder = False  # pytest_collection_modifyitems has done it, by seconds
    return ByGroup(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The order in which several processes take the tests; one process alone keeps pytest's."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        place = {name: number for number, name in enumerate(longest_first([item.nodeid for item in items]))}
        items.sort(key=lambda item: place[group(item.nodeid)])


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Remove the images that the run's processes shared; the last to know that nobody needs them is who began them."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        made = session.config._tmp_path_factory.getbasetemp() / IMAGES  # type: ignore[attr-defined]
        if made.exists():
            from lab import sweep  # the engine's client is nothing that the other tests need

            sweep.remove_images(made.read_text().split())


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """With --durations, after pytest's own list, where the time of the whole run went."""
    if config.option.durations is not None:
        reports = [report for some in terminalreporter.stats.values() for report in some]
        spent = [(one.nodeid, one.when, one.duration) for one in reports if isinstance(one, pytest.TestReport)]
        terminalreporter.section("seconds by file")
        for line in table(spent):
            terminalreporter.write_line(line)


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
    """The reasons for which settings are refused, without the path in front: ``line: key: sentence``."""

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
