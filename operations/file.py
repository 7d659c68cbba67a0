"""A file as it shall lie on a host. No pyinfra here, so that render functions and tests can use it freely."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field


@dataclass(frozen=True)
class File:
    """What one file holds and who may read it.

    ``mode`` is an octal string such as ``"0640"`` (an int would be written in another base). Content never
    shows in a repr, so a secret cannot slip into a log or a traceback.
    """

    content: str | bytes = field(repr=False)
    mode: str = "0644"
    user: str = "root"
    group: str = "root"

    def __post_init__(self) -> None:
        if len(self.mode) != 4 or any(digit not in "01234567" for digit in self.mode):
            raise ValueError(f"mode is four octal digits in a string, such as '0640', not {self.mode!r}")

    @property
    def data(self) -> bytes:
        """The bytes on disk; text is UTF-8 whatever the workstation's locale."""
        return self.content.encode() if isinstance(self.content, str) else self.content

    @property
    def sha256(self) -> str:
        """Hex digest of ``data``, as ``sha256sum`` prints it."""
        return hashlib.sha256(self.data).hexdigest()
