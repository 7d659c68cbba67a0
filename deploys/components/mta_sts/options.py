"""Where the resolver of MTA-STS policies is asked, on the loopback."""

from __future__ import annotations

PORT = 8461
MAP = f"socketmap:inet:127.0.0.1:{PORT}:postfix"  # as Postfix asks it
