"""A host that cannot become a mail server is refused before anything changes, and so is everything else about it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import pytest

from lab import images, pyinfra, site
from lab.mailhost import MailHost
from tests.on_host.conftest import StartHost
from tests.on_host.foundation import DEPLOY, run_foundation
from tests.on_host.settings import example

pytestmark = pytest.mark.host

# Perl's core is on every Debian; a web server would take longer to install than the test takes.
LISTEN = "perl -MIO::Socket::INET -e '@held = (IO::Socket::INET->new(LocalPort => {}, Listen => 1)); sleep'"
PASSWORD = "a b;c'$\"#é"
STATE = "dpkg -l | md5sum; cat /etc/hostname /etc/hosts; ls -R /etc /var/lib/apt/lists | md5sum"


def occupy(host: MailHost, port: int) -> None:
    host.run(f"systemd-run --quiet --unit foreign-{port} {LISTEN.format(port)}")
    host.run(f"for i in 1 2 3 4 5 6 7 8 9; do ss -Hltn | grep -q ':{port} ' && exit 0; sleep 0.3; done; exit 1")


@pytest.fixture
def without_systemd(engine: docker.DockerClient, release: str) -> Iterator[Any]:
    """A container as people start them: nothing runs but a sleep."""
    container = engine.containers.run(
        images.ensure(engine, release), ["sleep", "infinity"], detach=True, labels={"posthaus": "host"}
    )
    yield container
    container.remove(force=True)


def test_all_that_stands_in_the_way_is_said_in_one_message_and_nothing_changes(bare_host: MailHost, tmp_path: Path):
    occupy(bare_host, 25)
    occupy(bare_host, 80)
    before = bare_host.run(STATE).stdout
    run = run_foundation(tmp_path, bare_host, preflight=True, packages=["tree"])
    assert run.rc == 1
    assert "port 25, which Postfix needs: held by perl" in run.output
    assert "port 80, which Apache needs: held by perl" in run.output
    assert "systemctl disable --now foreign-80.service" in run.output
    assert "Traceback" not in run.output
    assert bare_host.run(STATE).stdout == before


@pytest.mark.releases("debian-13")
def test_one_refused_host_does_not_hide_what_is_wrong_with_another(
    start_host: StartHost, release: str, without_systemd: Any, tmp_path: Path
):
    first, second, good = (start_host(release) for _ in range(3))
    occupy(first, 25)
    occupy(second, 443)
    entries = [first.entry, second.entry, good.entry, (f"@docker/{without_systemd.name}", {})]
    where = site.write(tmp_path, entries, example())
    for options in (("-y",), ("--dry",), ("-y", "--parallel", "2")):
        run = pyinfra.pyinfra(
            where, DEPLOY, *options, environment={"POSTHAUS_TEST": '{"preflight": true, "packages": ["tree"]}'}
        )
        assert run.rc == 1
        if "--parallel" not in options:
            assert f"{first.name}: port 25" in run.output
            assert f"{second.name}: port 443" in run.output
            assert "process 1 is sleep, not systemd" in run.output
        assert f"{good.name}: " not in run.output.partition("stands in the way")[2]
        assert "Traceback" not in run.output
    assert good.run("command -v tree", check=False).stdout == ""


def test_a_half_configured_package_is_mentioned_and_no_obstacle(bare_host: MailHost, tmp_path: Path):
    bare_host.run("cd /root && apt-get update -qq && apt-get download -qq tree 2>/dev/null && dpkg --unpack tree_*.deb")
    run = run_foundation(tmp_path, bare_host, preflight=True, packages=["tree"])
    assert (run.rc, run.changes) == (0, 1), run.output
    assert "dpkg left unfinished: tree" in run.output


def test_a_sudo_password_with_every_special_character_works_and_is_found_nowhere(
    start_host: StartHost, release: str, tmp_path: Path
):
    host = start_host(release, user="deploy", sudo_password=PASSWORD)
    run = run_foundation(
        tmp_path, host, options=("-vv",), preflight=True, packages=["tree"], hostname="mail.example.com"
    )
    assert (run.rc, run.changes) == (0, 2), run.output
    assert PASSWORD not in run.output + run.stdout
    assert host.run("grep -rlF 'a b;c' /tmp /var/tmp /root /home", check=False).stdout == ""
    assert host.run("journalctl _COMM=sudo | grep -c 'incorrect password'", check=False).stdout == "0\n"


@pytest.mark.releases("debian-13")
@pytest.mark.parametrize(
    ("prepare", "declared", "said"),
    [
        ("true", {"_sudo": True}, "sudo asks for a password"),
        ("true", {}, "`_sudo: True`"),
        ("mv /usr/bin/sudo /usr/bin/sudo.away", {"_sudo": True}, "sudo is not installed"),
        ("gpasswd -d deploy sudo", {"_sudo": True, "_sudo_password": PASSWORD}, "sudo"),
    ],
)
def test_a_log_in_that_cannot_become_root_is_refused_by_name(
    start_host: StartHost, release: str, tmp_path: Path, prepare: str, declared: dict[str, Any], said: str
):
    host = start_host(release, user="deploy", sudo_password=PASSWORD)
    host.run(prepare)
    name, data = host.entry
    host.entry = (name, {key: value for key, value in data.items() if not key.startswith("_")} | declared)
    before = host.run(STATE).stdout
    run = run_foundation(tmp_path, host, preflight=True, packages=["tree"])
    assert run.rc == 1
    assert said in run.output
    assert "Traceback" not in run.output
    assert PASSWORD not in run.output
    assert host.run(STATE).stdout == before
