"""A host keeps the name it was given: in the kernel, in its files, and after cloud-init has had its turn."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.mailhost import MailHost
from tests.on_host.foundation import run_foundation

pytestmark = pytest.mark.host

NAME = "mail.example.com"
MODULES = ("cc_update_etc_hosts", "cc_update_hostname", "cc_set_hostname")


def test_a_host_knows_its_name_at_once_and_a_second_run_changes_nothing(bare_host: MailHost, tmp_path: Path):
    bare_host.run("echo '192.0.2.7 backup.example.net backup # nightly' >>/etc/hosts")
    run = run_foundation(tmp_path, bare_host, hostname=NAME)
    assert (run.rc, run.changes) == (0, 1), run.output
    assert bare_host.run("uname -n; hostname -f; cat /etc/mailname /etc/hostname").stdout == f"{NAME}\n" * 4
    assert "192.0.2.7 backup.example.net backup # nightly\n" in bare_host.run("cat /etc/hosts").stdout
    assert bare_host.run("getent ahostsv4 mail | cut -d' ' -f1 | sort -u").stdout == "127.0.1.1\n"
    assert bare_host.run("ls -d /etc/hosts.?????? /etc/*name.?????? 2>/dev/null", check=False).stdout == ""
    cloud_init = bare_host.run("command -v cloud-init", check=False).returncode == 0
    assert bare_host.run("test -e /etc/cloud/cloud.cfg.d/zz-posthaus.cfg", check=False).returncode == (not cloud_init)
    assert run_foundation(tmp_path, bare_host, hostname=NAME).changes == 0


def test_cloud_init_leaves_the_name_alone(bare_host: MailHost, tmp_path: Path):
    run_foundation(tmp_path, bare_host, packages=["cloud-init"])
    bare_host.write("/etc/cloud/cloud.cfg.d/99-provider.cfg", "manage_etc_hosts: true\n")
    bare_host.write("/var/lib/cloud/seed/nocloud/meta-data", "instance-id: one\nlocal-hostname: vm-4711\n")
    bare_host.write("/var/lib/cloud/seed/nocloud/user-data", "#cloud-config\n")
    bare_host.run("cloud-init init --local; cloud-init init", check=False)
    host = bare_host.over_docker()  # a first boot makes new SSH host keys
    assert run_foundation(tmp_path, host, hostname=NAME).rc == 0
    for module in MODULES:
        bare_host.run(f"cloud-init single --name {module} --frequency always")
    assert bare_host.run("uname -n; hostname -f; cat /etc/mailname /etc/hostname").stdout == f"{NAME}\n" * 4
    assert run_foundation(tmp_path, host, hostname=NAME).changes == 0


@pytest.mark.releases("debian-13")
def test_people_and_directories_are_made_once_and_repaired(bare_host: MailHost, tmp_path: Path):
    settings = {
        "user": {"user": "vmail", "uid": 5000, "home": "/var/mail/vhosts", "groups": ["mail"]},
        "people": {"tito": "{SHA512-CRYPT}$6$salt$hash-of-tito", "iqbal": None},
        "directories": {"/var/mail/vhosts": ["0770", "vmail", "vmail"], "/srv/a b/c": ["2750", "root", "mail"]},
    }
    run = run_foundation(tmp_path, bare_host, **settings)
    assert (run.rc, run.changes) == (0, 3), run.output
    assert "hash-of-tito" not in run.output + run.stdout
    assert run_foundation(tmp_path, bare_host, **settings).changes == 0
    assert bare_host.run("getent passwd vmail").stdout == "vmail:x:5000:5000::/var/mail/vhosts:/usr/sbin/nologin\n"
    assert bare_host.run("getent shadow tito | cut -d: -f2").stdout == "$6$salt$hash-of-tito\n"
    assert bare_host.run("stat -c '%a %U %G' '/srv/a b/c' '/srv/a b'").stdout == "2750 root mail\n755 root root\n"
    bare_host.run("chmod 777 /var/mail/vhosts; echo message >/home/iqbal/message; usermod -s /bin/bash tito")
    settings["people"] = {"tito": "$6$salt$another"}
    assert run_foundation(tmp_path, bare_host, **settings).changes == 2
    assert bare_host.run("stat -c %a /var/mail/vhosts; getent group mailusers | cut -d: -f4").stdout == "770\ntito\n"
    assert bare_host.run("cat /home/iqbal/message; getent passwd tito | cut -d: -f7").stdout == "message\n/bin/bash\n"
    assert run_foundation(tmp_path, bare_host, **settings).changes == 0
