"""What unattended-upgrade(8), apt's timers and needrestart(1) read. Same options in, same text out."""

from __future__ import annotations

import re
from collections.abc import Mapping

from deploys.components.updates.options import Updates
from operations.file import File

APT, OURS = "/etc/apt/apt.conf.d", "/etc/posthaus-updates"
APT_FILE = "60posthaus-updates"
SERIES_FILE, CONFIGURATION_FILE = "series", "apt.conf"
PREFERENCES = "/run/posthaus-updates"  # those of the night: ours, then the administrator's own
FETCH, INSTALL = "apt-daily.timer", "apt-daily-upgrade.timer"
INSTALLS = "apt-daily-upgrade.service"
DROP_IN = "posthaus.conf"
_HEAD = "Written by Posthaus: the next run undoes changes made here."
# Security alone: neither a point release nor anybody else's archive comes in by night. Lists that the distribution sets
# are emptied first. The last two are Ubuntu Pro's, where a host has that.
_APT = f"""// {_HEAD}
APT::Periodic::Update-Package-Lists "1";
APT::Periodic::Unattended-Upgrade "1";
#clear Unattended-Upgrade::Origins-Pattern;
#clear Unattended-Upgrade::Allowed-Origins;
Unattended-Upgrade::Origins-Pattern {{
    "origin=Debian,codename=${{distro_codename}}-security,label=Debian-Security";
    "origin=Ubuntu,archive=${{distro_codename}}-security";
    "origin=UbuntuESM,archive=${{distro_codename}}-infra-security";
    "origin=UbuntuESMApps,archive=${{distro_codename}}-apps-security";
}};
Unattended-Upgrade::Remove-Unused-Dependencies "false";
Unattended-Upgrade::SyslogEnable "true";
"""
# apt.conf(5): this file is read before all others.
_CONFIGURATION = f"""// {_HEAD}
Dir::Etc::preferences "{PREFERENCES}/preferences";
"""
# NEEDRESTART_MODE: what runs replaced programs is started anew here alone, not when somebody installs a package by day.
_INSTALLS = f"""# {_HEAD}
[Service]
RuntimeDirectory={PREFERENCES.rpartition("/")[2]}
ExecStartPre=/bin/sh -c 'cat {OURS}/{SERIES_FILE} /etc/apt/preferences >{PREFERENCES}/preferences 2>/dev/null || :'
Environment=APT_CONFIG={OURS}/{CONFIGURATION_FILE} NEEDRESTART_MODE=a
"""


def apt(updates: Updates) -> dict[str, File]:
    """Below /etc/apt/apt.conf.d (apt.conf(5))."""
    reboot = str(updates.reboot).lower()
    text = f'Unattended-Upgrade::Automatic-Reboot "{reboot}";\nUnattended-Upgrade::Automatic-Reboot-Time "now";\n'
    return {APT_FILE: File(_APT + text)}


def ours(series: Mapping[str, str]) -> dict[str, File]:
    """Below OURS: what the updates of the night read besides, by which ``series`` stay: source package to
    ``major.minor`` (empty: it is not there)."""
    text = "".join(_stays(source, numbers) for source, numbers in series.items() if numbers)
    return {CONFIGURATION_FILE: File(_CONFIGURATION), SERIES_FILE: File(f"Explanation: {_HEAD}\n{text}")}


def _stays(source: str, numbers: str) -> str:
    """All versions of a series, and no other: the first record that fits a version decides (apt_preferences(5))."""
    fits = f"/^([0-9]+:)?{re.escape(numbers)}[^0-9]/"
    records = ((fits, 500), ("*", -1))
    return "\n".join(f"Package: src:{source}\nPin: version {pin}\nPin-Priority: {at}\n" for pin, at in records) + "\n"


def units(updates: Updates) -> dict[str, File]:
    """Drop-ins of apt's own units (systemd.timer(5)): lists an hour before, then the updates."""
    hour, minute = map(int, updates.at.split(":"))
    before = f"{(hour - 1) % 24:02}:{minute:02}"
    texts = {FETCH: _timer(before), INSTALL: _timer(updates.at), INSTALLS: _INSTALLS}
    return {f"{unit}.d/{DROP_IN}": File(text) for unit, text in texts.items()}


def _timer(at: str) -> str:
    return f"# {_HEAD}\n[Timer]\nOnCalendar=\nOnCalendar=*-*-* {at}:00\nRandomizedDelaySec=10min\n"
