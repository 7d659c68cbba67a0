"""What our own services do without (systemd.exec(5))."""

from __future__ import annotations

# Those that serve.
SHUT_IN = """\
LockPersonality=yes
MemoryDenyWriteExecute=yes
NoNewPrivileges=yes
PrivateDevices=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHome=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectSystem=strict
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
"""
# Those that go over the whole host now and then, to look or to keep, after everything that serves.
LOOKS_ONLY = """\
Nice=10
IOSchedulingClass=idle
LimitCORE=0
LockPersonality=yes
PrivateTmp=yes
ProtectHostname=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
RestrictRealtime=yes
"""
