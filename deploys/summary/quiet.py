"""pyinfra's log without the rows of what did nothing: the summary tells how many there were. (-v shows all.)

A filter of Python's logging on pyinfra's own logger; pyinfra stays as it is. What is not a row of an operation passes.
"""

from __future__ import annotations

import logging
import re

from pyinfra import logger
from pyinfra.api import State

_ANSI = re.compile(r"\033\[[\d;]*[A-Za-z]")
_STARTING = re.compile(r"--> Starting(?: [a-z ,]+)? operation:")
_NOTHING = re.compile(r"\s*\[.*\]\s+No changes$")
# Of pyinfra's tables: a name, then Change and Conditional Change before, Hosts, Success, Error and No Change after.
_UNCHANGED = re.compile(r"\S.* {2,}(?:-\s+-|\d+\s+-\s+-\s+(?:\d+|-))\s*$")


class Quiet(logging.Filter):
    """Holds back the line that an operation begins with, or a table, until something comes of it."""

    def __init__(self, state: State) -> None:
        super().__init__()
        self.state = state
        self.held: logging.LogRecord | None = None

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether this line is shown now."""
        if record.levelno != logging.INFO or not isinstance(record.msg, str):
            return self._shown()
        text = _ANSI.sub("", record.getMessage())
        if text.startswith("--> ") and self.held is not None and not _is_table(self.held):
            self.held = None  # nothing came of it
        if _STARTING.match(text) or _is_table(record):
            self.held = record
            return False
        if text.startswith("Grand total") and self.held is not None:  # nothing stands in the table
            self.held = None
            return False
        return not (_NOTHING.match(text) or _UNCHANGED.match(text)) and self._shown()

    def flush(self) -> None:
        """Something comes of the operation that began: show its line, if it is still held back."""
        self._shown()

    def _shown(self) -> bool:
        held, self.held = self.held, None
        if held is not None:
            for handler in logger.handlers:
                handler.handle(held)
        return True


def _is_table(record: logging.LogRecord) -> bool:
    return str(record.msg).startswith("Operation ")


def quieten(state: State) -> Quiet:
    """Install it, once for a run."""
    found = [one for one in logger.filters if isinstance(one, Quiet) and one.state is state]
    if found:
        return found[0]
    quiet = Quiet(state)
    logger.addFilter(quiet)
    return quiet
