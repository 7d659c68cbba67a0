"""Who changes a host, and who waits: operations/lock.sh, on this machine's own shell."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

SCRIPT = (Path(__file__).parents[1] / "operations" / "lock.sh").read_text()


@pytest.fixture
def settings(tmp_path: Path) -> dict[str, str]:
    return {
        **os.environ,
        "LOCK": str(tmp_path / "lock"),
        "LOCK_SECONDS": "1",
        "LEASE": str(tmp_path / "lease"),
        "LEASE_SECONDS": "60",
        "WHO": "ana@laptop",
    }


def run(settings: dict[str, str], text: str, connection: str = "") -> subprocess.CompletedProcess[str]:
    """``connection``: the process and its start that stand for the run's connection; by default there is none."""
    script = f"set -u\n{SCRIPT}\nconnection() {{ echo '{connection}'; }}\n{text}"
    return subprocess.run(["sh", "-c", script], env=settings, capture_output=True, text=True, timeout=30, check=False)


def alive() -> tuple[subprocess.Popen[bytes], str]:
    process = subprocess.Popen(["sleep", "60"])
    began = Path(f"/proc/{process.pid}/stat").read_text().rpartition(") ")[2].split()[19]
    return process, f"{process.pid} {began}"


def test_who_holds_the_lock_is_named_with_its_task_and_how_it_is_ended(settings: dict[str, str]):
    script = f"set -u\n{SCRIPT}\nlock dovecot.service; echo there; exec sleep 60"
    with subprocess.Popen(["sh", "-c", script], env=settings, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == "there\n"
        waiting = run(settings, "lock postfix.service; echo in vain")
        assert waiting.returncode == 75
        assert f"is held by process {holder.pid} since" in waiting.stderr
        assert "which is at dovecot.service" in waiting.stderr
        assert f"kill {holder.pid}" in waiting.stderr
        assert waiting.stdout == ""
        holder.kill()
    assert run(settings, "lock postfix.service; echo in").stdout == "in\n"


def test_what_a_script_starts_does_not_hold_the_lock_after_it(settings: dict[str, str]):
    done = run(settings, "lock a; within 20 sh -c 'sleep 20 >/dev/null 2>&1 &'")
    assert done.returncode == 0
    assert run(settings, "lock b; echo in").stdout == "in\n"


def test_what_hangs_is_ended(settings: dict[str, str]):
    began = time.monotonic()
    assert run(settings, "within 1 sleep 60").returncode == 124
    assert time.monotonic() - began < 10


def test_a_second_run_is_told_of_the_first_and_by_whom(settings: dict[str, str]):
    process, first = alive()
    other, second = alive()
    try:
        assert run(settings, "lock a", first).returncode == 0
        assert run(settings, "lock b", first).returncode == 0, "the same run goes on"
        refused = run({**settings, "WHO": "bo@desk"}, "lock a; echo in vain", second)
        assert refused.returncode == 75
        assert "another run of Posthaus is under way on this host: ana@laptop" in refused.stderr
        assert f"kill {process.pid}" in refused.stderr
        assert refused.stdout == ""
        process.kill()
        process.wait()
        assert run(settings, "lock a", second).returncode == 0, "a run that died keeps nobody out"
    finally:
        for one in (process, other):
            one.kill()
            one.wait()


def test_a_connection_without_a_sign_of_life_keeps_nobody_out_for_ever(settings: dict[str, str]):
    process, first = alive()
    other, second = alive()
    try:
        assert run(settings, "lock a", first).returncode == 0
        assert run({**settings, "LEASE_SECONDS": "0"}, "lock a", second).returncode == 0
    finally:
        for one in (process, other):
            one.kill()
            one.wait()
