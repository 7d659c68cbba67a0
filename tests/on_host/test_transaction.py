"""What config.tree and unit.converge promise, on a real systemd: nothing half done, whatever dies when."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from lab import pyinfra
from tests.on_host.conftest import start

pytestmark = pytest.mark.host

ROOT = Path(__file__).parents[2]
UNIT = """
[Service]
ExecStart=/bin/sh -c '. /etc/messagebox/conf && exec sleep infinity'
ExecReload=/bin/sh -c '. /etc/messagebox/conf'
[Install]
WantedBy=multi-user.target
"""


class Messagebox:
    """A host with one small service, and the words that its deploy takes."""

    def __init__(self, host: Any) -> None:
        self.host = host
        host.run("cat >/etc/systemd/system/messagebox.service", input=UNIT)

        self.command = [f"@docker/{host.name}", "tests/on_host/deploys/messagebox.py", "--json", "-y"]

    def environment(self, **settings: Any) -> dict[str, str]:
        return {**os.environ, "POSTHAUS_TEST": json.dumps({"validate": "sh -n $STAGE/conf", **settings})}

    def start(self, **settings: Any) -> subprocess.Popen[bytes]:
        """A workstation's process, to be killed."""
        return subprocess.Popen(
            [pyinfra.command(), *self.command], cwd=ROOT, env=self.environment(**settings),
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def deploy(self, **settings: Any) -> tuple[int, int, str]:
        """Exit code, number of changed operations, everything said."""
        run = pyinfra.run(*self.command, environment=self.environment(**settings))
        return run.rc, run.totals.get("success", -1), run.stdout + run.output

    def read(self, path: str) -> str:
        return self.host.run(f"cat /etc/messagebox/{path}").stdout

    def leftovers(self) -> str:
        return self.host.run(
            "find /etc -maxdepth 1 -name '.messagebox.posthaus*'; find /var/lib/posthaus -name undo -o -name previous"
        ).stdout

    def pid(self) -> str:
        return self.host.run("systemctl show -p MainPID --value messagebox.service").stdout.strip()


@pytest.fixture(scope="module")
def messagebox(engine: Any, lab_state: Path) -> Iterator[Messagebox]:
    host = start(lab_state, "debian-13")
    yield Messagebox(host)
    host.host.remove()


def text(content: str, **more: str) -> dict[str, str]:
    return {"content": content, **more}


def test_a_second_run_changes_nothing_and_leaves_nothing_behind(messagebox: Messagebox) -> None:
    files = {"conf": text("A=1\n"), "private/key": text("sécret\n", mode="0600", group="mail")}
    assert messagebox.deploy(files=files)[:2] == (0, 2)
    assert messagebox.deploy(files=files)[:2] == (0, 0)
    assert messagebox.host.run("stat -c '%a %U %G' /etc/messagebox/private/key").stdout == "600 root mail\n"
    assert messagebox.read("private/key") == "sécret\n"
    assert messagebox.leftovers() == ""


def test_a_refused_configuration_leaves_the_old_one_running(messagebox: Messagebox) -> None:
    messagebox.deploy(files={"conf": text("A=1\n")})
    pid = messagebox.pid()
    code, _, said = messagebox.deploy(files={"conf": text("if (\n"), "other": text("x")})
    assert code != 0
    assert "its checker refused the new files" in said
    assert messagebox.read("conf") == "A=1\n"
    assert messagebox.host.run("ls /etc/messagebox").stdout == "conf\n"
    assert messagebox.pid() == pid
    assert messagebox.leftovers() == ""


def test_the_checker_sees_files_that_are_not_ours(messagebox: Messagebox) -> None:
    messagebox.host.run("mkdir -p /etc/messagebox && echo B=2 >/etc/messagebox/local")
    code, _, said = messagebox.deploy(files={"conf": text("A=1\n")}, validate="grep -q B=2 $STAGE/local")
    messagebox.host.run("rm /etc/messagebox/local")
    assert code == 0, said


def test_a_file_no_longer_declared_goes_and_others_stay(messagebox: Messagebox) -> None:
    messagebox.deploy(files={"conf": text("A=1\n"), "sites/old": text("x")})
    messagebox.host.run("echo mine >/etc/messagebox/administrator")
    messagebox.deploy(files={"conf": text("A=1\n")})
    assert messagebox.host.run("ls /etc/messagebox").stdout.split() == ["administrator", "conf"]
    messagebox.host.run("rm /etc/messagebox/administrator")


def test_a_new_content_has_a_new_time_by_which_programs_notice_it(messagebox: Messagebox) -> None:
    messagebox.deploy(files={"conf": text("A=1\n")})
    messagebox.host.run("touch -d @1000 /etc/messagebox/conf")
    messagebox.deploy(files={"conf": text("A=2\n")})
    assert messagebox.host.run("find /etc/messagebox/conf -newermt '-5 minutes'").stdout == "/etc/messagebox/conf\n"


@pytest.mark.parametrize(
    "damage",
    [
        "echo A=2 >/etc/messagebox/conf",
        "chmod 0666 /etc/messagebox/conf",
        "chown mail /etc/messagebox/conf",
        "rm /etc/messagebox/conf",
    ],
)
def test_drift_is_repaired(messagebox: Messagebox, damage: str) -> None:
    messagebox.deploy(files={"conf": text("A=1\n")})
    messagebox.host.run(damage)
    assert messagebox.deploy(files={"conf": text("A=1\n")})[0] == 0
    assert messagebox.read("conf") == "A=1\n"
    assert messagebox.host.run("stat -c '%a %U' /etc/messagebox/conf").stdout == "644 root\n"


def test_a_symlink_in_our_place_is_replaced_not_followed(messagebox: Messagebox) -> None:
    messagebox.deploy(files={"conf": text("A=1\n")})
    messagebox.host.run("echo foreign >/etc/foreign && ln -sf /etc/foreign /etc/messagebox/conf")
    messagebox.deploy(files={"conf": text("A=1\n")})
    assert messagebox.host.run("cat /etc/foreign").stdout == "foreign\n"
    assert messagebox.read("conf") == "A=1\n"


def test_a_rename_that_fails_takes_the_others_back(messagebox: Messagebox) -> None:
    messagebox.deploy(files={"conf": text("A=1\n")})
    messagebox.host.run("mkdir -p /etc/messagebox/z/full && touch /etc/messagebox/z/full/file")
    code, _, said = messagebox.deploy(
        files={"conf": text("A=2\n"), "b": text("b"), "z": text("a directory is in the way")}, copy=False
    )
    assert code != 0
    assert "the old files are back" in said
    assert messagebox.read("conf") == "A=1\n"
    assert messagebox.host.run("ls /etc/messagebox").stdout.split() == ["conf", "z"]
    assert messagebox.leftovers() == ""
    messagebox.host.run("rm -r /etc/messagebox/z")


def test_a_configuration_the_service_does_not_start_with_is_put_back(messagebox: Messagebox) -> None:
    messagebox.deploy(files={"conf": text("A=1\n")})
    code, _, said = messagebox.deploy(files={"conf": text("echo out of stamps; exit 3\n"), "new": text("x")})
    assert code != 0
    assert "out of stamps" in said, "the unit's own last log lines are shown"
    assert "the previous files are back" in said
    assert messagebox.read("conf") == "A=1\n"
    assert messagebox.host.run("ls /etc/messagebox").stdout == "conf\n"
    assert messagebox.host.run("systemctl is-active messagebox").stdout == "active\n"
    assert messagebox.deploy(files={"conf": text("A=1\n")})[:2] == (0, 0)


def test_two_refusals_go_back_to_what_last_ran_not_to_the_first_refusal(messagebox: Messagebox) -> None:
    messagebox.deploy(files={"conf": text("A=1\n")})
    messagebox.deploy(files={"conf": text("A=2\n")}, unit=False)  # a run that died before the unit's turn
    messagebox.deploy(files={"conf": text("exit 3\n")})
    assert messagebox.read("conf") == "A=1\n"


def test_a_lost_restart_is_caught_up(messagebox: Messagebox) -> None:
    messagebox.deploy(files={"conf": text("A=1\n")})
    messagebox.deploy(files={"conf": text("A=2\n")}, unit=False)
    before = messagebox.host.run("systemctl show -p StateChangeTimestampMonotonic messagebox").stdout
    assert messagebox.deploy(files={"conf": text("A=2\n")})[:2] == (0, 1)
    assert messagebox.host.run("systemctl show -p StateChangeTimestampMonotonic messagebox").stdout != before
    assert messagebox.deploy(files={"conf": text("A=2\n")})[:2] == (0, 0)


def test_a_program_replaced_by_an_upgrade_is_restarted(messagebox: Messagebox) -> None:
    messagebox.host.run(
        "cp /bin/sleep /usr/local/bin/letterd && sed -i 's,exec sleep,exec /usr/local/bin/letterd,'"
        " /etc/systemd/system/messagebox.service && systemctl daemon-reload"
    )
    messagebox.deploy(files={"conf": text("A=1\n")})
    messagebox.host.run("systemctl restart messagebox")
    pid = messagebox.pid()
    messagebox.host.run("cp /bin/sleep /usr/local/bin/new && mv /usr/local/bin/new /usr/local/bin/letterd")
    assert messagebox.deploy(files={"conf": text("A=1\n")})[:2] == (0, 1)
    assert messagebox.pid() != pid


def generation(number: int) -> dict[str, dict[str, str]]:
    """Forty files that only make sense together."""
    return {"conf": text(f"G={number}\n")} | {f"part-{i:02}": text(f"G={number}\n" * 50) for i in range(40)}


def seen(messagebox: Messagebox) -> set[str]:
    return set(messagebox.host.run("cat /etc/messagebox/conf /etc/messagebox/part-*").stdout.split())


def test_killing_the_remote_script_at_many_points_leaves_all_or_nothing(messagebox: Messagebox) -> None:
    messagebox.deploy(files=generation(0))
    points, caught, workstation = random.Random(25), 0, ThreadPoolExecutor(1)
    for number in range(1, 13):
        run = workstation.submit(messagebox.deploy, files=generation(number))
        wait = "for i in $(seq 600); do pid=$(pgrep -of posthaus-[p]ut) && break; sleep 0.005; done"
        killed = messagebox.host.run(f"{wait}; sleep {points.uniform(0, 0.25):.3f}; kill -9 $pid", check=False)
        caught += killed.returncode == 0
        run.result()
        assert messagebox.host.run("systemctl is-active messagebox").stdout == "active\n"
        assert messagebox.deploy(files=generation(number))[0] == 0, f"the run after kill {number} converges"
        assert seen(messagebox) == {f"G={number}"}
        assert messagebox.leftovers().count("undo") == 0
    assert caught >= 6, "most kills hit a running script, or this test proves nothing"


def test_a_death_between_two_renames_is_undone_before_anything_else(messagebox: Messagebox) -> None:
    messagebox.deploy(files=generation(0))
    # what a power cut in the middle leaves: a full memory of generation 0, and some files of generation 1
    messagebox.host.run(
        "s=/var/lib/posthaus/trees/etc-messagebox; mkdir -p $s/undo/files; cd /etc/messagebox; cp -a . $s/undo/files/;"
        "cp $s/manifest $s/undo/; echo torn >$s/undo/absent; touch $s/undo/complete torn;"
        "echo G=1 >conf; echo G=1 >part-07"
    )
    code, _, said = messagebox.deploy(files={"conf": text("if (\n")})
    assert code != 0, said
    assert seen(messagebox) == {"G=0"}, "the checker refused the new files, and the torn ones are gone too"
    assert messagebox.host.run("test ! -e /etc/messagebox/torn").returncode == 0


def test_killing_the_workstation_at_many_points_leaves_a_host_the_next_run_converges(messagebox: Messagebox) -> None:
    messagebox.deploy(files=generation(0))
    points = random.Random(7)
    for number in range(1, 9):
        process = messagebox.start(files=generation(number))
        time.sleep(points.uniform(0.8, 2.0))
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=60)
        messagebox.host.run("while pgrep -f posthaus-[p]ut >/dev/null; do sleep 0.05; done", timeout=30)
        assert len(seen(messagebox)) == 1, "what the host was doing it finishes or never begins"
        assert messagebox.deploy(files=generation(number))[0] == 0
        assert seen(messagebox) == {f"G={number}"}
    assert messagebox.leftovers() == ""
