"""Part after part of a verification: what goes wrong in one is one result, and the others go on."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from paramiko import SSHException
from pyinfra.api.exceptions import PyinfraError

from deploys.config.reading.errors import SettingsError
from deploys.download import DownloadError
from deploys.result import Check, CheckResult

GROUP = "verification"
T = TypeVar("T")
OF_THE_HOST = (OSError, EOFError, SSHException, PyinfraError)


class Parts:
    """``results``: one for each part that did not come to its end."""

    def __init__(self) -> None:
        self.results: list[CheckResult] = []

    def look(self, part: str, ask: Callable[[], T], otherwise: T) -> T:
        """What ``ask`` returns, or ``otherwise``. A host that goes away and options that cannot be are failures; what a
        stranger wrote that nobody has thought of (``part`` could not read it) proves nothing."""
        try:
            return ask()
        except SettingsError as error:
            self._tell(part, str(error), False, "fix the host's data in the inventory")
        except DownloadError as error:
            self._tell(part, str(error), None, "verify from a workstation that has it, or can fetch it")
        except OF_THE_HOST as error:
            self._tell(part, f"{type(error).__name__}: {error}", False, "see that the host is reached")
        except Exception as error:
            remedy = "a fault of Posthaus, not of the host: report it with this line"
            self._tell(part, f"{type(error).__name__}: {error}", None, remedy)
        return otherwise

    def _tell(self, part: str, seen: str, ok: bool | None, remedy: str) -> None:
        self.results.append(Check(f"verification.{part}", GROUP, part, "looked at").result(seen, ok, remedy))
