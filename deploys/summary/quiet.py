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
# The last columns of pyinfra's two tables. What succeeded has been told, row by row, when the second one comes.
_UNCHANGED = re.compile(r".* -\s+-\s*$")  # Change, Conditional Change
_NO_ERROR = re.compile(r".* \d+\s+(?:\d+|-)\s+-\s+(?:\d+|-)\s*$")  # Hosts, Success, Error, No Change


class Quiet(logging.Filter):
    """Holds back the line that an operation begins with, or a table, until something comes of it."""

    def __init__(self, state: State) -> None:
        super().__init__()
        self.state = state
        self.held: logging.LogRecord | None = None
        self.row: re.Pattern[str] | None = None  # one that tells nothing, in the table that is being printed

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether this line is shown now."""
        if record.levelno != logging.INFO or not isinstance(record.msg, str):
            return self._shown()
        text = _ANSI.sub("", record.getMessage())
        if text.startswith("--> "):
            self.held = self.row = None  # nothing came of what is held
        if _STARTING.match(text):
            self.held = record
            return False
        if text.startswith("Operation "):
            self.held, self.row = record, _NO_ERROR if " Error " in text else _UNCHANGED
            return False
        if text.startswith("Grand total") and self.held is not None:  # nothing stands in the table
            self.held = None
            return False
        return not (_NOTHING.match(text) or (self.row and self.row.match(text))) and self._shown()

    def flush(self) -> None:
        """Something comes of the operation that began: show its line, if it is still held back."""
        self._shown()

    def _shown(self) -> bool:
        held, self.held = self.held, None
        if held is not None:
            for handler in logger.handlers:
                handler.handle(held)
        return True


def quieten(state: State) -> Quiet:
    """Install it, once for a run."""
    found = [one for one in logger.filters if isinstance(one, Quiet) and one.state is state]
    if found:
        return found[0]
    quiet = Quiet(state)
    logger.addFilter(quiet)
    return quiet
