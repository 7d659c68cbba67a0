"""Where a host keeps its own name, and what it does where files of ours meet a package's."""

from __future__ import annotations

from facts.state import ROOT

APT_FILE = "/etc/apt/apt.conf.d/90posthaus"
CLOUD_INIT_FILE = "/etc/cloud/cloud.cfg.d/zz-posthaus.cfg"
VERSION_FILE = f"{ROOT}/version"
