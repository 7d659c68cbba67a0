"""The ways to a host: every form that the README shows, and a sentence for each way that is barred."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import subprocess
import termios
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import pytest
import yaml

from lab import pyinfra
from lab.mailhost import MailHost
from lab.pyinfra import ROOT
from tests.on_host.conftest import start
from tests.on_host.foundation import DEPLOY, run_foundation
from tests.on_host.settings import example

pytestmark = pytest.mark.host
one_release = pytest.mark.releases("debian-13")  # where nothing depends on the version of sshd or sudo
PASSWORD = "a b;c'$\"#é"
FACT = ("fact", "facts.listeners.Listeners")
AS_ROOT = '"process": "sshd"'  # what only root sees
FAILLOCK = """auth required pam_faillock.so preauth deny=3
auth [success=2 default=ignore] pam_unix.so
auth [default=die] pam_faillock.so authfail deny=3
auth requisite pam_deny.so
auth required pam_permit.so
"""


@pytest.fixture(scope="module")
def shared(engine: docker.DockerClient, lab_state: Path, release: str) -> Iterator[MailHost]:
    """A bare host that lets root and tito in, who may sudo by his password; pam_faillock counts his failures."""
    host = start(lab_state, release, user="deploy", sudo_password=PASSWORD)
    host.run("useradd -m -s /bin/bash -G sudo tito && cp -r ~deploy/.ssh ~tito/ && chown -R tito: ~tito")
    host.run("chpasswd", input=f"tito:{PASSWORD}")
    host.write("/etc/pam.d/common-auth", FAILLOCK)
    yield host
    host.host.remove()


@pytest.fixture
def guarded(shared: MailHost) -> Iterator[MailHost]:
    """The host, as it was for each test."""
    entry = shared.entry
    yield shared
    shared.entry = entry
    shared.run("faillock --user deploy --reset; faillock --user tito --reset; rm -f /etc/sudoers.d/*")


def declare(host: MailHost, **data: Any) -> None:
    """Have the inventory say ``data`` of the host too; None takes an option away."""
    name, known = host.entry
    host.entry = (name, {key: value for key, value in {**known, **data}.items() if value is not None})


def facts(host: MailHost, *options: str) -> pyinfra.Run:
    """One fact that takes root, asked as the inventory says."""
    host.say()
    return pyinfra.pyinfra(host.site, *options, *FACT)


def refused(host: MailHost) -> str:
    """What a person is told where there is no way; nothing of it is a traceback."""
    run = facts(host)
    assert run.rc == 1, run.output
    assert "Traceback" not in run.output + run.stdout
    assert PASSWORD not in run.output + run.stdout
    return run.output


# --- The forms of the README -----------------------------------------------------------------------------------------

README = (ROOT / "README.md").read_text()
FORMS = re.findall(r"^(?:# )?(mail = \[.*\])  # ", README, re.MULTILINE)


@pytest.fixture
def person(guarded: MailHost, tmp_path: Path) -> dict[str, str]:
    """The environment of somebody whose ssh reaches mail.example.com as root, and whose site is empty."""
    config = {
        "HostName": guarded.address,
        "User": "root",
        "IdentityFile": guarded.host.key,
        "UserKnownHostsFile": guarded.host.state / "known_hosts",
    }
    ssh = tmp_path / ".ssh"
    ssh.mkdir(mode=0o700)
    lines = "\n".join(f"  {key} {value}" for key, value in config.items())
    (ssh / "config").write_text(f"Host mail.example.com mail2.example.com\n{lines}\n")
    (tmp_path / "site").mkdir()
    return {**os.environ, "HOME": str(tmp_path), "POSTHAUS_SITE": str(tmp_path / "site"), "NO_COLOR": "1"}


def at_terminal(environment: dict[str, str], inventory: str, typed: str, *settings: str) -> tuple[int, str]:
    """Run pyinfra at a terminal of its own, type ``typed`` when asked for a password; exit code and what was shown."""
    where = Path(environment["POSTHAUS_SITE"])
    (where / "inventory.py").write_text(inventory)
    (where / "mail.yaml").write_text(yaml.safe_dump(example(), allow_unicode=True))
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [pyinfra.command(), "inventory.py", *settings], cwd=ROOT, env=environment,
        stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )  # fmt: skip
    os.close(theirs)
    shown, answered, deadline = b"", 0, time.monotonic() + 60
    while time.monotonic() < deadline and select.select([ours], [], [], 60)[0]:
        try:
            shown += os.read(ours, 4096)
        except OSError:  # the other end is closed
            break
        if shown.count(b"password of") > answered:
            answered += 1
            os.write(ours, f"{typed}\n".encode())
    os.close(ours)
    return process.wait(30), shown.decode(errors="replace")


def test_the_readme_shows_three_forms():
    assert len(FORMS) == 3


@one_release
@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_the_readme_reaches_the_host_as_root(guarded: MailHost, person: dict[str, str], form: str):
    code, shown = at_terminal(person, f"{form}\n", PASSWORD, *FACT)
    assert code == 0, shown
    assert AS_ROOT in shown
    assert PASSWORD not in shown
    assert shown.count("password of tito") == ("_sudo" in form)


@one_release
def test_two_hosts_ask_once_and_a_second_server_has_settings_of_its_own(guarded: MailHost, person: dict[str, str]):
    (Path(person["POSTHAUS_SITE"]) / "second.yaml").write_text(yaml.safe_dump(example(hostname="mx.example.com")))
    tito = '{"ssh_user": "tito", "_sudo": True, "_use_sudo_password": True'
    inventory = "from deploys.site import settings\n\nmail = [\n"
    inventory += f'    ("mail.example.com", {tito}}}),\n'
    inventory += f'    ("mail2.example.com", {tito}, "mail": settings("second.yaml")}}),\n]\n'
    code, shown = at_terminal(person, inventory, PASSWORD, *FACT)
    assert (code, shown.count("password of tito"), shown.count(AS_ROOT)) == (0, 1, 4), shown


@one_release
def test_who_may_sudo_without_a_password_is_asked_for_none(guarded: MailHost, person: dict[str, str]):
    guarded.write("/etc/sudoers.d/tito", "tito ALL=(ALL) NOPASSWD: ALL\n", mode="0440")
    inventory = 'mail = [("mail.example.com", {"ssh_user": "tito", "_sudo": True})]\n'
    code, shown = at_terminal(person, inventory, "unused", *FACT)
    assert (code, "password" in shown) == (0, False), shown


@one_release
def test_a_whole_run_goes_on_with_the_password_typed(guarded: MailHost, person: dict[str, str]):
    settings = {"preflight": True, "directories": {"/srv/typed": ["0755"]}}
    inventory = 'mail = [("mail.example.com", {"ssh_user": "tito", "_sudo": True})]\n'
    code, shown = at_terminal({**person, "POSTHAUS_TEST": json.dumps(settings)}, inventory, PASSWORD, DEPLOY, "-y")
    assert (code, shown.count("password of tito")) == (0, 1), shown
    assert guarded.run("stat -c %U /srv/typed").stdout == "root\n"


@one_release
def test_a_password_mistyped_at_the_terminal_is_tried_once(guarded: MailHost, person: dict[str, str]):
    inventory = 'mail = [("mail.example.com", {"ssh_user": "tito", "_sudo": True})]\n'
    code, shown = at_terminal(person, inventory, "mistyped", *FACT)
    assert code == 1
    assert "sudo refuses the password of tito (tried once)" in " ".join(shown.split())
    assert "Traceback" not in shown


# --- sudo ------------------------------------------------------------------------------------------------------------


def test_a_wrong_password_is_tried_once_and_locks_nobody_out(guarded: MailHost):
    declare(guarded, _sudo_password="wrong")
    assert "sudo refuses the password of deploy (tried once)" in refused(guarded)
    tries = guarded.run("journalctl _COMM=sudo | grep -c 'user=deploy' || true").stdout.strip()
    assert tries == "1", guarded.run("journalctl _COMM=sudo").stdout
    declare(guarded, _sudo_password=PASSWORD)
    assert facts(guarded).rc == 0


@one_release
def test_who_may_not_sudo_is_told_in_sudos_own_text(guarded: MailHost):
    guarded.run("gpasswd -d deploy sudo")
    try:
        assert "sudo refuses deploy:" in refused(guarded)
    finally:
        guarded.run("gpasswd -a deploy sudo")


@one_release
def test_without_a_terminal_nobody_is_asked(guarded: MailHost):
    declare(guarded, _sudo_password=None)
    assert "sudo asks for a password; there is no terminal to ask at" in refused(guarded)


def test_sudo_gets_its_password_where_no_program_may_run_in_tmp(guarded: MailHost):
    guarded.run("mount -t tmpfs -o noexec,mode=1777 tmpfs /var/tmp; mount -o remount,noexec /tmp")
    try:
        assert facts(guarded).rc == 0
        guarded.run("mount -t tmpfs -o noexec,mode=0755 tmpfs /home/deploy && cp -a /root/.ssh /home/deploy/")
        guarded.run("chown -R deploy: /home/deploy && mount -o remount,noexec /run/user/$(id -u deploy) || true")
        told = refused(guarded)
        assert "none may run in /var/tmp, /tmp, " in told
        assert "(mounted noexec)" in told
    finally:
        guarded.run("umount /home/deploy /var/tmp", check=False)
    assert guarded.run("find /home /tmp /var/tmp -name 'pyinfra-sudo-askpass*'").stdout == ""


@one_release
def test_the_password_stands_in_no_list_of_processes(guarded: MailHost):
    guarded.say()
    look = "cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' '"
    watch = f"for i in $(seq 600); do [ -e /run/seen ] && exit; {look}; sleep 0.1; done"
    with subprocess.Popen(["docker", "exec", guarded.name, "sh", "-c", watch], stdout=subprocess.PIPE) as seen:
        run = pyinfra.pyinfra(guarded.site, "exec", "--", "sleep", "2")
        guarded.run("touch /run/seen")
        lines = seen.communicate()[0].decode(errors="replace")
    assert run.rc == 0, run.output
    assert "sleep 2" in lines
    assert "a b;c" not in lines


# --- SSH -------------------------------------------------------------------------------------------------------------


def test_what_a_login_shell_prints_is_no_answer(guarded: MailHost, tmp_path: Path):
    kept = guarded.read("/home/deploy/.bashrc")
    guarded.write("/home/deploy/.bashrc", "echo Welcome\nprintf 'no line break'\necho careful >&2\n")
    try:
        run = run_foundation(tmp_path, guarded, preflight=True, directories={"/srv/mail": ["0755"]})
        assert (run.rc, run.changes) == (0, 1), run.output
        assert facts(guarded).rc == 0
    finally:
        guarded.write("/home/deploy/.bashrc", kept)


def test_one_session_at_a_time_is_enough_and_none_is_told(guarded: MailHost, tmp_path: Path):
    def sessions(line: str) -> None:
        guarded.write("/etc/ssh/sshd_config.d/sessions.conf", line)
        guarded.run("systemctl reload ssh")

    sessions("MaxSessions 1\n")
    try:
        run = run_foundation(tmp_path, guarded, preflight=True, directories={"/srv/post": ["0755"]})
        assert (run.rc, run.changes) == (0, 1), run.output
        sessions("MaxSessions 0\n")
        assert "`MaxSessions 10` (the default)" in refused(guarded)
    finally:
        sessions("")


@one_release
def test_a_connection_that_is_lost_is_told_and_what_to_do(guarded: MailHost):
    guarded.say()
    command = [pyinfra.command(), "inventory.py", "-y", "exec", "--", "touch /run/begun; sleep 60"]
    with subprocess.Popen(
        command, cwd=ROOT, env=pyinfra.site_environment(guarded.site), stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    ) as run:  # fmt: skip
        guarded.run("for i in $(seq 100); do [ -e /run/begun ] && exit; sleep 0.2; done; exit 1")
        guarded.run("rm /run/begun; pkill -KILL -u deploy")
        shown = run.communicate(timeout=60)[0]
    assert run.returncode == 1, shown
    assert "the connection was lost while a command ran. Look whether the host is up, then run again" in shown
    assert "Traceback" not in shown


@one_release
def test_a_host_key_that_is_not_known_yet_is_told_with_the_command_that_accepts_it(guarded: MailHost, tmp_path: Path):
    (tmp_path / "none").touch()
    declare(guarded, ssh_known_hosts_file=str(tmp_path / "none"))
    told = refused(guarded)
    assert f"the host key of {guarded.address} is not known yet: `ssh -o UserKnownHostsFile={tmp_path}/none" in told


@one_release
def test_a_host_key_that_changed_is_told_with_both_reasons(guarded: MailHost, tmp_path: Path):
    other = (
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "key")], check=True)
        and (tmp_path / "key.pub").read_text().split()[:2]
    )
    known = [line.split()[1:2] for line in (guarded.host.state / "known_hosts").read_text().splitlines()]
    (tmp_path / "known").write_text(
        "".join(f"{guarded.address} {other[0]} {other[1]}\n" for kind in known if kind == [other[0]])
    )
    declare(guarded, ssh_known_hosts_file=str(tmp_path / "known"))
    told = refused(guarded)
    assert "shows another host key than it had" in told
    assert f"ssh-keygen -f {tmp_path}/known -R {guarded.address}" in told


@one_release
def test_a_login_that_is_refused_is_told_with_the_key_that_was_tried(guarded: MailHost, tmp_path: Path):
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "key")], check=True)
    declare(guarded, ssh_key=str(tmp_path / "key"), ssh_user="nobody-of-that-name")
    told = refused(guarded)
    assert f"does not let nobody-of-that-name log in by the key {tmp_path}/key: `ssh" in told


@one_release
def test_a_host_where_nothing_answers_is_told_so(guarded: MailHost):
    declare(guarded, ssh_port=2)
    assert f"{guarded.address} cannot be reached at port 2 " in refused(guarded)
    declare(guarded, ssh_port=22, ssh_hostname="nowhere.invalid")
    assert "the name nowhere.invalid leads nowhere" in refused(guarded)
