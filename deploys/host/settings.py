"""Where a host keeps its own name."""

from __future__ import annotations

CLOUD_INIT_FILE = "/etc/cloud/cloud.cfg.d/zz-posthaus.cfg"
