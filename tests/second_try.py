"""In CI a test on a host that failed gets one more try, and the run tells aloud what happened at the first.

Two cores carry a dozen hosts there, and one of three thousand tests waits longer than it may. What fails twice fails;
on a person's machine everything fails at once, and so does what fails without a host.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest

MOST = 5  # tests; more of them in one run are no chance


class SecondTry:
    """The part of pytest that gives it (by pytest-rerunfailures) and tells of it. ``wanted``: this is CI."""

    def __init__(self, wanted: bool) -> None:
        self.wanted = wanted

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Mark those that get it."""
        for item in items if self.wanted else ():
            if item.get_closest_marker("host"):
                item.add_marker(pytest.mark.flaky(reruns=1))

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Too many of them fail the run."""
        if len(_first_tries(session.config)) > MOST and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
        """Whole, as failures are told: they are to be mended, too."""
        first = _first_tries(config)
        if first:
            terminalreporter.section(sentence(first))
        for report in first:
            terminalreporter.section(report.nodeid, "_")
            terminalreporter.write_line(report.longreprtext)
            for name, text in report.sections:
                terminalreporter.section(name, "-")
                terminalreporter.write_line(text)


def _first_tries(config: pytest.Config) -> Sequence[pytest.TestReport]:
    """Reports of those that failed; the process that shares out the tests knows all of them."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    return reporter.stats.get("rerun", []) if reporter else []


def sentence(first: Sequence[pytest.TestReport]) -> str:
    """What a run says of its second tries."""
    tests = "1 test had" if len(first) == 1 else f"{len(first)} tests had"
    many = f": more than {MOST}, so this run fails" if len(first) > MOST else ""
    return f"{tests} a second try{many}"
