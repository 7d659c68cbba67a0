"""What config.tree and unit.converge promise, on a real systemd: nothing half done, whatever dies when."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.on_host.conftest import start

pytestmark = pytest.mark.host

ROOT = Path(__file__).parents[2]
UNIT = """
[Service]
ExecStart=/bin/sh -c '. /etc/letterbox/conf && exec sleep infinity'
ExecReload=/bin/sh -c '. /etc/letterbox/conf'
[Install]
WantedBy=multi-user.target
"""


class Letterbox:
    """A host with one small service, and the words that its deploy takes."""

    def __init__(self, host: Any) -> None:
        self.host = host
        host.run("cat >/etc/systemd/system/letterbox.service", input=UNIT)

    def start(self, **words: Any) -> subprocess.Popen[str]:
        command = ["pyinfra", f"@docker/{self.host.name}", "tests/on_host/deploys/letterbox.py", "--json", "-y"]
        return subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=ROOT,
            env={**os.environ, "POSTHAUS_TEST": json.dumps({"validate": "sh -n $STAGE/conf", **words})},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def deploy(self, **words: Any) -> tuple[int, int, str]:
        """Exit code, number of changed operations, everything said."""
        process = self.start(**words)
        out, err = process.communicate(timeout=120)
        totals = json.loads(out)["results"]["totals"] if out.startswith("{") else {"success": -1}
        return process.returncode, totals["success"], out + err

    def read(self, path: str) -> str:
        return self.host.run(f"cat /etc/letterbox/{path}").stdout

    def leftovers(self) -> str:
        return self.host.run(
            "find /etc -maxdepth 1 -name '.letterbox.posthaus*'; find /var/lib/posthaus -name undo -o -name previous"
        ).stdout

    def pid(self) -> str:
        return self.host.run("systemctl show -p MainPID --value letterbox.service").stdout.strip()


@pytest.fixture(scope="module")
def letterbox(engine: Any, lab_state: Path) -> Iterator[Letterbox]:
    host = start(lab_state, "debian-13")
    yield Letterbox(host)
    host.host.remove()


def text(content: str, **more: str) -> dict[str, str]:
    return {"content": content, **more}


def test_a_second_run_changes_nothing_and_leaves_nothing_behind(letterbox: Letterbox) -> None:
    files = {"conf": text("A=1\n"), "private/key": text("sécret\n", mode="0600", group="mail")}
    assert letterbox.deploy(files=files)[:2] == (0, 2)
    assert letterbox.deploy(files=files)[:2] == (0, 0)
    assert letterbox.host.run("stat -c '%a %U %G' /etc/letterbox/private/key").stdout == "600 root mail\n"
    assert letterbox.read("private/key") == "sécret\n"
    assert letterbox.leftovers() == ""


def test_a_refused_configuration_leaves_the_old_one_running(letterbox: Letterbox) -> None:
    letterbox.deploy(files={"conf": text("A=1\n")})
    pid = letterbox.pid()
    code, _, said = letterbox.deploy(files={"conf": text("if (\n"), "other": text("x")})
    assert code != 0
    assert "its checker refused the new files" in said
    assert letterbox.read("conf") == "A=1\n"
    assert letterbox.host.run("ls /etc/letterbox").stdout == "conf\n"
    assert letterbox.pid() == pid
    assert letterbox.leftovers() == ""


def test_the_checker_sees_files_that_are_not_ours(letterbox: Letterbox) -> None:
    letterbox.host.run("mkdir -p /etc/letterbox && echo B=2 >/etc/letterbox/local")
    code, _, said = letterbox.deploy(files={"conf": text("A=1\n")}, validate="grep -q B=2 $STAGE/local")
    letterbox.host.run("rm /etc/letterbox/local")
    assert code == 0, said


def test_a_file_no_longer_declared_goes_and_others_stay(letterbox: Letterbox) -> None:
    letterbox.deploy(files={"conf": text("A=1\n"), "sites/old": text("x")})
    letterbox.host.run("echo mine >/etc/letterbox/administrator")
    letterbox.deploy(files={"conf": text("A=1\n")})
    assert letterbox.host.run("ls /etc/letterbox").stdout.split() == ["administrator", "conf"]
    letterbox.host.run("rm /etc/letterbox/administrator")


def test_a_new_content_has_a_new_time_by_which_programs_notice_it(letterbox: Letterbox) -> None:
    letterbox.deploy(files={"conf": text("A=1\n")})
    letterbox.host.run("touch -d @1000 /etc/letterbox/conf")
    letterbox.deploy(files={"conf": text("A=2\n")})
    assert letterbox.host.run("find /etc/letterbox/conf -newermt '-5 minutes'").stdout == "/etc/letterbox/conf\n"


@pytest.mark.parametrize(
    "damage",
    [
        "echo A=2 >/etc/letterbox/conf",
        "chmod 0666 /etc/letterbox/conf",
        "chown mail /etc/letterbox/conf",
        "rm /etc/letterbox/conf",
    ],
)
def test_drift_is_repaired(letterbox: Letterbox, damage: str) -> None:
    letterbox.deploy(files={"conf": text("A=1\n")})
    letterbox.host.run(damage)
    assert letterbox.deploy(files={"conf": text("A=1\n")})[0] == 0
    assert letterbox.read("conf") == "A=1\n"
    assert letterbox.host.run("stat -c '%a %U' /etc/letterbox/conf").stdout == "644 root\n"


def test_a_symlink_in_our_place_is_replaced_not_followed(letterbox: Letterbox) -> None:
    letterbox.deploy(files={"conf": text("A=1\n")})
    letterbox.host.run("echo foreign >/etc/foreign && ln -sf /etc/foreign /etc/letterbox/conf")
    letterbox.deploy(files={"conf": text("A=1\n")})
    assert letterbox.host.run("cat /etc/foreign").stdout == "foreign\n"
    assert letterbox.read("conf") == "A=1\n"


def test_a_rename_that_fails_takes_the_others_back(letterbox: Letterbox) -> None:
    letterbox.deploy(files={"conf": text("A=1\n")})
    letterbox.host.run("mkdir -p /etc/letterbox/z/full && touch /etc/letterbox/z/full/file")
    code, _, said = letterbox.deploy(
        files={"conf": text("A=2\n"), "b": text("b"), "z": text("a directory is in the way")}, copy=False
    )
    assert code != 0
    assert "the old files are back" in said
    assert letterbox.read("conf") == "A=1\n"
    assert letterbox.host.run("ls /etc/letterbox").stdout.split() == ["conf", "z"]
    assert letterbox.leftovers() == ""
    letterbox.host.run("rm -r /etc/letterbox/z")


def test_a_configuration_the_service_does_not_start_with_is_put_back(letterbox: Letterbox) -> None:
    letterbox.deploy(files={"conf": text("A=1\n")})
    code, _, said = letterbox.deploy(files={"conf": text("echo out of stamps; exit 3\n"), "new": text("x")})
    assert code != 0
    assert "out of stamps" in said, "the unit's own last log lines are shown"
    assert "the previous files are back" in said
    assert letterbox.read("conf") == "A=1\n"
    assert letterbox.host.run("ls /etc/letterbox").stdout == "conf\n"
    assert letterbox.host.run("systemctl is-active letterbox").stdout == "active\n"
    assert letterbox.deploy(files={"conf": text("A=1\n")})[:2] == (0, 0)


def test_two_refusals_go_back_to_what_last_ran_not_to_the_first_refusal(letterbox: Letterbox) -> None:
    letterbox.deploy(files={"conf": text("A=1\n")})
    letterbox.deploy(files={"conf": text("A=2\n")}, unit=False)  # a run that died before the unit's turn
    letterbox.deploy(files={"conf": text("exit 3\n")})
    assert letterbox.read("conf") == "A=1\n"


def test_a_lost_restart_is_caught_up(letterbox: Letterbox) -> None:
    letterbox.deploy(files={"conf": text("A=1\n")})
    letterbox.deploy(files={"conf": text("A=2\n")}, unit=False)
    before = letterbox.host.run("systemctl show -p StateChangeTimestampMonotonic letterbox").stdout
    assert letterbox.deploy(files={"conf": text("A=2\n")})[:2] == (0, 1)
    assert letterbox.host.run("systemctl show -p StateChangeTimestampMonotonic letterbox").stdout != before
    assert letterbox.deploy(files={"conf": text("A=2\n")})[:2] == (0, 0)


def test_a_program_replaced_by_an_upgrade_is_restarted(letterbox: Letterbox) -> None:
    letterbox.host.run(
        "cp /bin/sleep /usr/local/bin/letterd && sed -i 's,exec sleep,exec /usr/local/bin/letterd,'"
        " /etc/systemd/system/letterbox.service && systemctl daemon-reload"
    )
    letterbox.deploy(files={"conf": text("A=1\n")})
    letterbox.host.run("systemctl restart letterbox")
    pid = letterbox.pid()
    letterbox.host.run("cp /bin/sleep /usr/local/bin/new && mv /usr/local/bin/new /usr/local/bin/letterd")
    assert letterbox.deploy(files={"conf": text("A=1\n")})[:2] == (0, 1)
    assert letterbox.pid() != pid


def generation(number: int) -> dict[str, dict[str, str]]:
    """Forty files that only make sense together."""
    return {"conf": text(f"G={number}\n")} | {f"part-{i:02}": text(f"G={number}\n" * 50) for i in range(40)}


def seen(letterbox: Letterbox) -> set[str]:
    return set(letterbox.host.run("cat /etc/letterbox/conf /etc/letterbox/part-*").stdout.split())


def test_killing_the_remote_script_at_many_points_leaves_all_or_nothing(letterbox: Letterbox) -> None:
    letterbox.deploy(files=generation(0))
    points, caught = random.Random(25), 0
    for number in range(1, 13):
        process = letterbox.start(files=generation(number))
        wait = "for i in $(seq 600); do pid=$(pgrep -of posthaus-[p]ut) && break; sleep 0.005; done"
        killed = letterbox.host.run(f"{wait}; sleep {points.uniform(0, 0.25):.3f}; kill -9 $pid", check=False)
        caught += killed.returncode == 0
        process.communicate(timeout=60)
        assert letterbox.host.run("systemctl is-active letterbox").stdout == "active\n"
        assert letterbox.deploy(files=generation(number))[0] == 0, f"the run after kill {number} converges"
        assert seen(letterbox) == {f"G={number}"}
        assert letterbox.leftovers().count("undo") == 0
    assert caught >= 6, "most kills hit a running script, or this test proves nothing"


def test_a_death_between_two_renames_is_undone_before_anything_else(letterbox: Letterbox) -> None:
    letterbox.deploy(files=generation(0))
    # what a power cut in the middle leaves: a full memory of generation 0, and some files of generation 1
    letterbox.host.run(
        "s=/var/lib/posthaus/trees/etc-letterbox; mkdir -p $s/undo/files; cd /etc/letterbox; cp -a . $s/undo/files/;"
        "cp $s/manifest $s/undo/; echo torn >$s/undo/absent; touch $s/undo/complete torn;"
        "echo G=1 >conf; echo G=1 >part-07"
    )
    code, _, said = letterbox.deploy(files={"conf": text("if (\n")})
    assert code != 0, said
    assert seen(letterbox) == {"G=0"}, "the checker refused the new files, and the torn ones are gone too"
    assert letterbox.host.run("test ! -e /etc/letterbox/torn").returncode == 0


def test_killing_the_workstation_at_many_points_leaves_a_host_the_next_run_converges(letterbox: Letterbox) -> None:
    letterbox.deploy(files=generation(0))
    points = random.Random(7)
    for number in range(1, 9):
        process = letterbox.start(files=generation(number))
        time.sleep(points.uniform(0.8, 2.0))
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=60)
        letterbox.host.run("while pgrep -f posthaus-[p]ut >/dev/null; do sleep 0.05; done", timeout=30)
        assert len(seen(letterbox)) == 1, "what the host was doing it finishes or never begins"
        assert letterbox.deploy(files=generation(number))[0] == 0
        assert seen(letterbox) == {f"G={number}"}
    assert letterbox.leftovers() == ""
