"""Facts of which many are asked at the cost of one: one program looks at all units, or at all files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from pyinfra.api import FactBase, StringCommand
from typing_extensions import override

T = TypeVar("T")
Asked = Sequence[Mapping[str, Any]]  # the arguments of each question, by their names


class Many(FactBase[T]):
    """A fact that is asked of many things together; of one alone it is the same with one.

    ``command`` of a subclass names its arguments and returns ``self.alone(…)`` of them, for pyinfra's command line.
    """

    _alone: Mapping[str, Any]  # pyinfra makes an instance for each question, and has its ``process`` read the answer

    @classmethod
    def together(cls, asked: Asked) -> StringCommand:
        """The shell command that answers all of ``asked``."""
        raise NotImplementedError

    @classmethod
    def apart(cls, asked: Asked, output: list[str]) -> list[T]:
        """The answer to each of ``asked``, in their order, from what ``together`` printed."""
        raise NotImplementedError

    def alone(self, **arguments: Any) -> StringCommand:
        """The command that answers this one question."""
        self._alone = arguments
        return self.together([arguments])

    @override
    def process(self, output: list[str]) -> T:
        (answer,) = self.apart([self._alone], output)
        return answer
