"""Finding, the unit of drift: what is other than it was left, whom that touches, and how to put it back or keep it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from deploys.result import harmless

# By hand; what mail.yaml or Posthaus itself says anew since the last run; or either, where the host cannot tell.
Cause = Literal["hand", "declared", "either"]


@dataclass(frozen=True)
class Finding:
    """``look``: what found it; ``about``: a path, unit, port, user or package; ``touches``: the component, as the run
    calls it; ``whose``: what it means to people, a line each; ``diff``: from what is declared to what is there;
    ``mends``: a run of deploys/mail.py puts it back."""

    look: str
    about: str
    seen: str
    touches: str
    remedy: str
    cause: Cause = "hand"
    whose: tuple[str, ...] = ()
    diff: tuple[str, ...] = ()
    mends: bool = True

    def __post_init__(self) -> None:
        """What lies on the host moves no cursor here."""
        for name in ("about", "seen", "remedy"):
            object.__setattr__(self, name, harmless(getattr(self, name)))
        for name in ("whose", "diff"):
            object.__setattr__(self, name, tuple(map(harmless, getattr(self, name))))
