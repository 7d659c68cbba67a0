"""Long tests (the mark ``long``): run with --long alone, as every night. Every other run says how many it left out."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

LEFT_OUT = "left_out"  # what a process that shares the tests tells whoever began it


class LongTests:
    """The part of pytest that keeps them back. ``wanted``: --long was given."""

    def __init__(self, wanted: bool) -> None:
        self.wanted = wanted
        self.left_out: Counter[str] = Counter()  # by file

    @pytest.hookimpl(trylast=True)  # of what -m and -k have chosen
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Deselect them: a test that is left to the night is not a test that could not run."""
        if self.wanted:
            return
        long = [item for item in items if item.get_closest_marker("long")]
        if long:
            items[:] = [item for item in items if item not in long]
            config.hook.pytest_deselected(items=long)
            self.left_out.update(item.location[0] for item in long)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Each of several processes collects all the tests, and the one that began them collects none."""
        if (told := getattr(session.config, "workeroutput", None)) is not None:
            told[LEFT_OUT] = dict(self.left_out)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Hear it from one of them; all say the same."""
        self.left_out = Counter(getattr(node, "workeroutput", {}).get(LEFT_OUT, {})) or self.left_out

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """One line, in every run that left some out."""
        if line := sentence(self.left_out):
            terminalreporter.write_line(line)


def sentence(left_out: Counter[str]) -> str:
    """What a run says of the long tests that it left out, by file; nothing where there were none."""
    count = left_out.total()
    tests = "1 long test was" if count == 1 else f"{count} long tests were"
    return f"{tests} left to the nightly (--long runs them): {', '.join(sorted(left_out))}" if count else ""
