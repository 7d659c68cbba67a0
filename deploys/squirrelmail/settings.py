"""What may be said about the webmail."""

from __future__ import annotations

from typing import Literal

from deploys.settings import Settings


class Webmail(Settings):
    """The page where people read mail in a browser."""

    hostname: str | None = None  # MailServer fills in webmail.<first domain>
    title: str = "Webmail"
    port: int = 443
    line: Literal["current", "stable"] = "current"
