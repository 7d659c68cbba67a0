"""Where ClamAV is asked."""

from __future__ import annotations

SOCKET = "/run/clamav/clamd.ctl"  # Debian's
