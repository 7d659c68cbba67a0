"""Services may do what mail needs, and little more."""

from __future__ import annotations

import json

import pytest

from lab.mailhost import MailHost

pytestmark = pytest.mark.host

# What systemd-analyze(1) makes of each, of 10: as the distributions ship them, 8.5 to 9.6.
MOST = {"dovecot": 6.5, "postfix": 7.5, "rspamd": 3.5, "apache2": 7.5, "php": 8.0}


def test_services_that_talk_to_the_world_may_touch_neither_the_kernel_nor_its_devices(mail_host: MailHost):
    found = json.loads(mail_host.run("systemd-analyze security --json=short --no-pager").stdout)
    exposed = {one["unit"]: float(one["exposure"]) for one in found}
    postfix = "postfix@-.service" if mail_host.release == "debian-12" else "postfix.service"
    php = next(unit for unit in exposed if unit.startswith("php") and unit.endswith("-fpm.service"))
    units = {"postfix": postfix, "php": php} | {name: f"{name}.service" for name in ("dovecot", "rspamd", "apache2")}
    assert {name: exposed[unit] for name, unit in units.items() if exposed[unit] > MOST[name]} == {}


def test_a_page_of_the_webmail_sees_no_disks_and_cannot_change_the_kernel(mail_host: MailHost):
    pid = mail_host.run("pgrep -o php-fpm").stdout.strip()
    assert "sd" not in mail_host.run(f"ls /proc/{pid}/root/dev").stdout.split()
    seen = mail_host.run(f"cat /proc/{pid}/mounts").stdout
    assert any(line.split()[1] == "/proc/sys" and line.split()[3].startswith("ro") for line in seen.splitlines()), seen
