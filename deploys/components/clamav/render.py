"""ClamAV as Debian has it, tied to one unit of ours: it runs for as long as mail.yaml asks for it. systemd.unit(5)."""

from __future__ import annotations

from operations.file import File

PACKAGES = ("clamav-daemon", "clamav-freshclam")
UNIT = "posthaus-antivirus.service"
SCANNER, FETCHER = "clamav-daemon.service", "clamav-freshclam.service"
_HEAD = "# Written by Posthaus: the next run undoes changes made here.\n"
# It is the last of those that the scanner's own unit depends on: some hundred megabytes, so the first run cannot.
_SIGNATURES = "/var/lib/clamav/main.c[vl]d"
_UNIT = f"""{_HEAD}[Unit]
Description=ClamAV for the messages that arrive
Wants={FETCHER} posthaus-antivirus.path

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/true

[Install]
WantedBy=multi-user.target
Also={SCANNER} {FETCHER}
"""
_PATH = f"""{_HEAD}[Unit]
Description=Start ClamAV once its signatures have come
PartOf={UNIT}

[Path]
PathExistsGlob={_SIGNATURES}
Unit={SCANNER}
"""
_PART = f"{_HEAD}[Unit]\nPartOf={UNIT}\n"


def units() -> dict[str, File]:
    """Files below /etc/systemd/system. (The socket outlives the scanner otherwise.)"""
    parts = (SCANNER, FETCHER, "clamav-daemon.socket")
    return {
        UNIT: File(_UNIT),
        "posthaus-antivirus.path": File(_PATH),
        **{f"{name}.d/posthaus.conf": File(_PART) for name in parts},
    }
