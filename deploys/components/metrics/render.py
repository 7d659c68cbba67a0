"""The units that tell the host's numbers: the exporter, and who writes for it. Same options in, same text out."""

from __future__ import annotations

from deploys.components.metrics.options import PORT, Metrics
from deploys.values.hardening import LOOKS_ONLY
from facts.watch import PROGRAM
from operations.file import File

EXPORTER = "prometheus-node-exporter.service"
DROP_IN = f"{EXPORTER}.d/posthaus.conf"
SERVICE = "posthaus-metrics.service"
TIMER = "posthaus-metrics.timer"
TEXTS = "/var/lib/prometheus/node-exporter"  # which Debian's package makes, and reads (README.Debian)
_HEAD = "# Written by Posthaus: the next run undoes changes made here.\n"
_SERVICE = f"""{_HEAD}[Unit]
Description=Write the mail server's numbers for Prometheus

[Service]
Type=oneshot
ExecStart=/usr/bin/python3 -I -B {PROGRAM} --metrics {TEXTS}
SyslogIdentifier=posthaus-metrics
TimeoutStartSec=240
{LOOKS_ONLY}ProtectSystem=full
"""
# Not at once after the boot: what is only being started counts as down.
_TIMER = f"""{_HEAD}[Unit]
Description=Every five minutes, the mail server's numbers for Prometheus

[Timer]
OnActiveSec=1min
OnCalendar=*:0/5
AccuracySec=5s

[Install]
WantedBy=timers.target
"""


def listens(metrics: Metrics) -> str:
    """Where the exporter is asked: at all addresses only where the firewall lets somebody in."""
    return f":{PORT}" if metrics.networks else f"127.0.0.1:{PORT}"


def units(metrics: Metrics) -> dict[str, File]:
    """Files below /etc/systemd/system."""
    return {DROP_IN: File(exporter(metrics)), SERVICE: File(_SERVICE), TIMER: File(_TIMER)}


def exporter(metrics: Metrics) -> str:
    """A drop-in of the package's unit, which runs as a user of its own. ARGS are the administrator's, from
    /etc/default/prometheus-node-exporter."""
    return f"""{_HEAD}[Service]
ExecStart=
ExecStart=/usr/bin/prometheus-node-exporter --web.listen-address={listens(metrics)} $ARGS
CapabilityBoundingSet=
LockPersonality=yes
NoNewPrivileges=yes
PrivateTmp=yes
ProtectControlGroups=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectSystem=full
RestrictNamespaces=yes
RestrictRealtime=yes
SystemCallArchitectures=native
"""
