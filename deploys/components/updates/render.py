"""What unattended-upgrade(8), apt's timers and needrestart(1) read. Same options in, same text out."""

from __future__ import annotations

from deploys.components.updates.options import Updates
from operations.file import File

APT, NEEDRESTART = "/etc/apt/apt.conf.d", "/etc/needrestart/conf.d"
APT_FILE, NEEDRESTART_FILE = "60posthaus-updates", "60-posthaus.conf"
FETCH, INSTALL = "apt-daily.timer", "apt-daily-upgrade.timer"
DROP_IN = "posthaus.conf"
_HEAD = "Written by Posthaus: the next run undoes changes made here."
# Security alone: neither a point release nor anybody else's archive comes in by night, so no service's series changes
# but by the release's own security team. Lists that the distribution sets are emptied first.
_APT = f"""// {_HEAD}
APT::Periodic::Update-Package-Lists "1";
APT::Periodic::Unattended-Upgrade "1";
#clear Unattended-Upgrade::Origins-Pattern;
#clear Unattended-Upgrade::Allowed-Origins;
Unattended-Upgrade::Origins-Pattern {{
    "origin=Debian,codename=${{distro_codename}}-security,label=Debian-Security";
    "origin=Ubuntu,archive=${{distro_codename}}-security";
}};
// A changed file of ours stays ours, and nobody is asked at night.
Dpkg::Options {{ "--force-confdef"; "--force-confold"; }};
Unattended-Upgrade::Remove-Unused-Dependencies "false";
Unattended-Upgrade::SyslogEnable "true";
"""
_NEEDRESTART = f"""# {_HEAD}
$nrconf{{restart}} = 'a';
$nrconf{{kernelhints}} = -1;
1;
"""


def apt(updates: Updates) -> dict[str, File]:
    """Below /etc/apt/apt.conf.d (apt.conf(5))."""
    reboot = str(updates.reboot).lower()
    text = f'Unattended-Upgrade::Automatic-Reboot "{reboot}";\nUnattended-Upgrade::Automatic-Reboot-Time "now";\n'
    return {APT_FILE: File(_APT + text)}


def needrestart() -> dict[str, File]:
    """Below /etc/needrestart/conf.d: what runs replaced programs starts anew by itself."""
    return {NEEDRESTART_FILE: File(_NEEDRESTART)}


def units(updates: Updates) -> dict[str, File]:
    """Drop-ins of apt's own timers (systemd.timer(5)): lists an hour before, then the updates."""
    hour, minute = map(int, updates.at.split(":"))
    before = f"{(hour - 1) % 24:02}:{minute:02}"
    return {f"{FETCH}.d/{DROP_IN}": File(_timer(before)), f"{INSTALL}.d/{DROP_IN}": File(_timer(updates.at))}


def _timer(at: str) -> str:
    return f"# {_HEAD}\n[Timer]\nOnCalendar=\nOnCalendar=*-*-* {at}:00\nRandomizedDelaySec=10min\n"
