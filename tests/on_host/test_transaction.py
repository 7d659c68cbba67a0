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
from lab.waiting import wait_until
from tests.on_host.conftest import start

pytestmark = pytest.mark.host

ROOT = Path(__file__).parents[2]
UNIT = """
[Service]
ExecStart=/bin/sh -c '. /etc/demo/conf && exec sleep infinity'
ExecReload=/bin/sh -c '. /etc/demo/conf'
[Install]
WantedBy=multi-user.target
"""


class Demo:
    """A host with one small service, and the arguments that its deploy takes."""

    def __init__(self, host: Any) -> None:
        self.host = host
        host.run("cat >/etc/systemd/system/demo.service", input=UNIT)

        self.command = [f"@docker/{host.name}", "tests/on_host/deploys/demo.py", "--json", "-y"]

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
        return self.host.run(f"cat /etc/demo/{path}").stdout

    def leftovers(self) -> str:
        return self.host.run(
            "find /etc -maxdepth 1 -name '.demo.posthaus*'; find /var/lib/posthaus -name undo -o -name previous"
        ).stdout

    def pid(self) -> str:
        return self.host.run("systemctl show -p MainPID --value demo.service").stdout.strip()


@pytest.fixture(scope="module")
def demo(engine: Any, lab_state: Path) -> Iterator[Demo]:
    host = start(lab_state, "debian-13")
    yield Demo(host)
    host.host.remove()


def text(content: str, **more: str) -> dict[str, str]:
    return {"content": content, **more}


def test_a_second_run_changes_nothing_and_leaves_nothing_behind(demo: Demo) -> None:
    files = {"conf": text("A=1\n"), "private/key": text("sécret\n", mode="0600", group="mail")}
    assert demo.deploy(files=files)[:2] == (0, 2)
    assert demo.deploy(files=files)[:2] == (0, 0)
    assert demo.host.run("stat -c '%a %U %G' /etc/demo/private/key").stdout == "600 root mail\n"
    assert demo.read("private/key") == "sécret\n"
    assert demo.leftovers() == ""


def test_a_refused_configuration_leaves_the_old_one_running(demo: Demo) -> None:
    demo.deploy(files={"conf": text("A=1\n")})
    pid = demo.pid()
    code, _, said = demo.deploy(files={"conf": text("if (\n"), "other": text("x")})
    assert code != 0
    assert "its checker refused the new files" in said
    assert demo.read("conf") == "A=1\n"
    assert demo.host.run("ls /etc/demo").stdout == "conf\n"
    assert demo.pid() == pid
    assert demo.leftovers() == ""


def test_the_checker_sees_files_that_are_not_ours(demo: Demo) -> None:
    demo.host.run("mkdir -p /etc/demo && echo B=2 >/etc/demo/local")
    code, _, said = demo.deploy(files={"conf": text("A=1\n")}, validate="grep -q B=2 $STAGE/local")
    demo.host.run("rm /etc/demo/local")
    assert code == 0, said


def test_a_file_no_longer_declared_goes_and_others_stay(demo: Demo) -> None:
    demo.deploy(files={"conf": text("A=1\n"), "sites/old": text("x")})
    demo.host.run("echo mine >/etc/demo/administrator")
    demo.deploy(files={"conf": text("A=1\n")})
    assert demo.host.run("ls /etc/demo").stdout.split() == ["administrator", "conf"]
    demo.host.run("rm /etc/demo/administrator")


def test_a_new_content_has_a_new_time_by_which_programs_notice_it(demo: Demo) -> None:
    demo.deploy(files={"conf": text("A=1\n")})
    demo.host.run("touch -d @1000 /etc/demo/conf")
    demo.deploy(files={"conf": text("A=2\n")})
    assert demo.host.run("find /etc/demo/conf -newermt '-5 minutes'").stdout == "/etc/demo/conf\n"


@pytest.mark.parametrize(
    "damage",
    [
        "echo A=2 >/etc/demo/conf",
        "chmod 0666 /etc/demo/conf",
        "chown mail /etc/demo/conf",
        "rm /etc/demo/conf",
    ],
)
def test_drift_is_repaired(demo: Demo, damage: str) -> None:
    demo.deploy(files={"conf": text("A=1\n")})
    demo.host.run(damage)
    assert demo.deploy(files={"conf": text("A=1\n")})[0] == 0
    assert demo.read("conf") == "A=1\n"
    assert demo.host.run("stat -c '%a %U' /etc/demo/conf").stdout == "644 root\n"


def test_a_symlink_in_our_place_is_replaced_not_followed(demo: Demo) -> None:
    demo.deploy(files={"conf": text("A=1\n")})
    demo.host.run("echo foreign >/etc/foreign && ln -sf /etc/foreign /etc/demo/conf")
    demo.deploy(files={"conf": text("A=1\n")})
    assert demo.host.run("cat /etc/foreign").stdout == "foreign\n"
    assert demo.read("conf") == "A=1\n"


def test_a_rename_that_fails_takes_the_others_back(demo: Demo) -> None:
    demo.deploy(files={"conf": text("A=1\n")})
    demo.host.run("mkdir -p /etc/demo/z/full && touch /etc/demo/z/full/file")
    code, _, said = demo.deploy(
        files={"conf": text("A=2\n"), "b": text("b"), "z": text("a directory is in the way")}, copy=False
    )
    assert code != 0
    assert "the old files are back" in said
    assert demo.read("conf") == "A=1\n"
    assert demo.host.run("ls /etc/demo").stdout.split() == ["conf", "z"]
    assert demo.leftovers() == ""
    demo.host.run("rm -r /etc/demo/z")


def test_a_configuration_the_service_does_not_start_with_is_put_back(demo: Demo) -> None:
    demo.deploy(files={"conf": text("A=1\n")})
    code, _, said = demo.deploy(files={"conf": text("echo out of stamps; exit 3\n"), "new": text("x")})
    assert code != 0
    assert "out of stamps" in said, "the unit's own last log lines are shown"
    assert "the previous files are back" in said
    assert demo.read("conf") == "A=1\n"
    assert demo.host.run("ls /etc/demo").stdout == "conf\n"
    assert demo.host.run("systemctl is-active demo").stdout == "active\n"
    assert demo.deploy(files={"conf": text("A=1\n")})[:2] == (0, 0)


def test_what_only_a_restart_makes_known_is_known_again_once_it_was_put_back(demo: Demo) -> None:
    seen = {"seen_by": "restart_on", "probe": "grep -q A=1 /etc/demo/conf || { echo another answer; exit 1; }"}
    assert demo.deploy(files={"conf": text("A=1\n")}, **seen)[0] == 0
    code, _, said = demo.deploy(files={"conf": text("A=2\n")}, **seen)
    assert code != 0
    assert "another answer" in said
    assert "the previous files are back" in said
    assert demo.deploy(files={"conf": text("A=1\n")}, **seen)[:2] == (0, 0)


def test_on_a_busy_host_what_answers_only_after_eleven_seconds_is_not_taken_back(demo: Demo) -> None:
    demo.deploy(files={"conf": text("A=1\n")})
    # nobody answers yet, sysexits(3) says, until eleven seconds after the first question
    later = "read -r up _ </proc/uptime; read -r asked </run/asked || { echo ${up%.*} >/run/asked; exit 75; }"
    probe = f"{later}; [ $((${{up%.*}} - asked)) -ge 11 ] || exit 75"
    demo.host.run("rm -f /run/asked; echo '25.00 25.00 25.00 9/99 999' >/run/loadavg")
    demo.host.run("mount --bind /run/loadavg /proc/loadavg")
    try:
        code, _, said = demo.deploy(files={"conf": text("A=2\n")}, probe=probe)
    finally:
        demo.host.run("umount /proc/loadavg")
    assert code == 0, said
    assert demo.read("conf") == "A=2\n"


@pytest.mark.parametrize("edited", [False, True])
def test_what_is_put_back_before_anything_was_reloaded_needs_no_reload_but_what_somebody_edited_does(
    demo: Demo, edited: bool
) -> None:
    """As where two trees fit the program each by itself alone, or an upgrade has made it stricter."""
    strict = {"validate": "test ! -e /run/strict"}
    assert demo.deploy(files={"conf": text("A=1\n")}, **strict)[0] == 0
    changed_at = demo.host.run("systemctl show -p StateChangeTimestampMonotonic demo").stdout
    if edited:
        demo.host.run("echo B=2 >/etc/demo/local")
    assert demo.deploy(files={"conf": text("A=2\n"), "new": text("x")}, unit=False, **strict)[0] == 0
    demo.host.run("touch /run/strict /var/lib/dpkg/status")
    code, _, said = demo.deploy(files={"conf": text("A=2\n"), "new": text("x")}, **strict)
    demo.host.run("rm /run/strict")
    assert code != 0, said
    assert "the previous files are back" in said
    assert demo.host.run("systemctl show -p StateChangeTimestampMonotonic demo").stdout == changed_at
    assert demo.deploy(files={"conf": text("A=1\n")}, **strict)[:2] == (0, int(edited))
    demo.host.run("rm -f /etc/demo/local")


def test_two_refusals_go_back_to_what_last_ran_not_to_the_first_refusal(demo: Demo) -> None:
    demo.deploy(files={"conf": text("A=1\n")})
    demo.deploy(files={"conf": text("A=2\n")}, unit=False)  # a run that died before the unit's turn
    demo.deploy(files={"conf": text("exit 3\n")})
    assert demo.read("conf") == "A=1\n"


def test_a_lost_restart_is_caught_up(demo: Demo) -> None:
    demo.deploy(files={"conf": text("A=1\n")})
    demo.deploy(files={"conf": text("A=2\n")}, unit=False)
    before = demo.host.run("systemctl show -p StateChangeTimestampMonotonic demo").stdout
    assert demo.deploy(files={"conf": text("A=2\n")})[:2] == (0, 1)
    assert demo.host.run("systemctl show -p StateChangeTimestampMonotonic demo").stdout != before
    assert demo.deploy(files={"conf": text("A=2\n")})[:2] == (0, 0)


def test_systemd_reads_its_units_anew_once_one_has_changed_and_only_then(demo: Demo) -> None:
    read_at = "systemctl show -p UnitsLoadTimestampMonotonic --value"
    demo.deploy(files={"conf": text("A=1\n")})
    demo.host.run("systemctl daemon-reload; sleep 1.2")  # a change within the last second counts as one since
    before = demo.host.run(read_at).stdout
    assert demo.deploy(files={"conf": text("A=2\n")})[:2] == (0, 2)
    assert demo.host.run(read_at).stdout == before
    there = "/run/systemd/system/demo.service.d"
    for change in (f"mkdir -p {there}; printf '[Service]\\nEnvironment=B=1\\n' >{there}/b.conf", f"rm -r {there}"):
        demo.host.run(f"{change}; systemctl show -p NeedDaemonReload demo | grep -q yes")
        assert demo.deploy(files={"conf": text("A=2\n")})[0] == 0
        assert demo.host.run("systemctl show -p NeedDaemonReload --value demo").stdout == "no\n"
    assert demo.deploy(files={"conf": text("A=2\n")})[:2] == (0, 0)


def test_a_program_replaced_by_an_upgrade_is_restarted(demo: Demo) -> None:
    demo.host.run(
        "cp /bin/sleep /usr/local/bin/letterd && sed -i 's,exec sleep,exec /usr/local/bin/letterd,'"
        " /etc/systemd/system/demo.service && systemctl daemon-reload"
    )
    demo.deploy(files={"conf": text("A=1\n")})
    demo.host.run("systemctl restart demo")
    pid = demo.pid()
    runs = f"readlink /proc/{pid}/exe"  # at first it is systemd's own, then the shell
    wait_until(lambda: demo.host.run(runs).stdout == "/usr/local/bin/letterd\n", 20, "the shell made way for nobody")
    demo.host.run("cp /bin/sleep /usr/local/bin/new && mv /usr/local/bin/new /usr/local/bin/letterd")
    assert demo.deploy(files={"conf": text("A=1\n")})[:2] == (0, 1)
    assert demo.pid() != pid


def generation(number: int) -> dict[str, dict[str, str]]:
    """Forty files that only make sense together."""
    return {"conf": text(f"G={number}\n")} | {f"part-{i:02}": text(f"G={number}\n" * 50) for i in range(40)}


def seen(demo: Demo) -> set[str]:
    return set(demo.host.run("cat /etc/demo/conf /etc/demo/part-*").stdout.split())


def test_killing_the_remote_script_at_many_points_leaves_all_or_nothing(demo: Demo) -> None:
    demo.deploy(files=generation(0))
    points, caught, workstation = random.Random(25), 0, ThreadPoolExecutor(1)
    for number in range(1, 13):
        run = workstation.submit(demo.deploy, files=generation(number))
        wait = "for i in $(seq 600); do pid=$(pgrep -of posthaus-[p]ut) && break; sleep 0.005; done"
        killed = demo.host.run(f"{wait}; sleep {points.uniform(0, 0.25):.3f}; kill -9 $pid", check=False)
        caught += killed.returncode == 0
        run.result()
        assert demo.host.run("systemctl is-active demo").stdout == "active\n"
        assert demo.deploy(files=generation(number))[0] == 0, f"the run after kill {number} converges"
        assert seen(demo) == {f"G={number}"}
        assert demo.leftovers().count("undo") == 0
    assert caught >= 6, "most kills hit a running script, or this test proves nothing"


def test_a_death_between_two_renames_is_undone_before_anything_else(demo: Demo) -> None:
    demo.deploy(files=generation(0))
    # what a power cut in the middle leaves: a full memory of generation 0, and some files of generation 1
    demo.host.run(
        "s=/var/lib/posthaus/trees/etc-demo; mkdir -p $s/undo/files; cd /etc/demo; cp -a . $s/undo/files/;"
        "cp $s/manifest $s/undo/; echo torn >$s/undo/absent; touch $s/undo/complete torn;"
        "echo G=1 >conf; echo G=1 >part-07"
    )
    code, _, said = demo.deploy(files={"conf": text("if (\n")})
    assert code != 0, said
    assert seen(demo) == {"G=0"}, "the checker refused the new files, and the torn ones are gone too"
    assert demo.host.run("test ! -e /etc/demo/torn").returncode == 0


def test_killing_the_workstation_at_many_points_leaves_a_host_the_next_run_converges(demo: Demo) -> None:
    demo.deploy(files=generation(0))
    points = random.Random(7)
    for number in range(1, 9):
        process = demo.start(files=generation(number))
        time.sleep(points.uniform(0.8, 2.0))
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=60)
        demo.host.run("while pgrep -f posthaus-[p]ut >/dev/null; do sleep 0.05; done", timeout=30)
        assert len(seen(demo)) == 1, "what the host was doing it finishes or never begins"
        assert demo.deploy(files=generation(number))[0] == 0
        assert seen(demo) == {f"G={number}"}
    assert demo.leftovers() == ""
