"""The container engine: find the one that answers, or install and start one where we may. Stop only our own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import docker

from lab import sweep
from lab.alone import alone
from lab.errors import LabError
from lab.progress import step
from lab.system import apt_install
from lab.waiting import wait_until

ROOT = Path(__file__).resolve().parent.parent
PID_FILE = Path("/run/posthaus-dockerd.pid")  # written by the dockerd that we start, and by no other
OWNER_FILE = Path("/run/posthaus-dockerd.checkout")  # which checkout of this project started it
LOG_FILE = Path("/var/log/posthaus-dockerd.log")
START_SECONDS = 60
STOP_SECONDS = 30


def client() -> docker.DockerClient:
    """A client of the engine that answers. Raises LabError, saying what to do, where none does."""
    try:
        engine = docker.from_env(timeout=120)
        engine.ping()
    except (docker.errors.DockerException, OSError) as error:
        raise LabError(f"No container engine answers ({error}). Start Docker, or run script/trial as root.") from None
    return engine


def answers() -> bool:
    """Whether an engine answers now."""
    try:
        client().close()
    except LabError:
        return False
    return True


def ensure() -> docker.DockerClient:
    """A client of a running engine; installs and starts one if none answers and we are root. Raises LabError."""
    with alone("engine"):
        if not answers():
            if os.geteuid() != 0:
                raise LabError(
                    "No container engine answers, and only root may start one. Start Docker, or run this as root."
                )
            _install()
            with step("Starting the container engine"):
                _start()
    return client()


def stop() -> str | None:
    """Stop the engine that ``ensure`` started for this checkout, unless containers run on it.

    Returns what became of it, as a sentence; None where this checkout started none. Leaves every other alone.
    """
    with alone("engine"):
        pid = _own_pid()
        if pid is None:
            return None
        if others := _running():
            return f"The container engine stays, for others use it: {', '.join(others)}"
        os.kill(pid, signal.SIGTERM)
        wait_until(lambda: not Path(f"/proc/{pid}").exists(), STOP_SECONDS, "The container engine did not stop")
        PID_FILE.unlink(missing_ok=True)
        OWNER_FILE.unlink(missing_ok=True)
        return "The container engine that was started for it has stopped"


def _running() -> list[str]:
    """The names of all containers that run, whoever started them."""
    if not answers():
        return []
    return sorted(str(container.name) for container in client().containers.list())


def _install() -> None:
    """Install the engine from the distribution's archive where it is missing."""
    for program, package in (("dockerd", "docker.io"), ("iptables", "iptables"), ("docker", "docker-cli")):
        if not shutil.which(program):  # in order: docker.io brings the client up to Debian 12, docker-cli does later
            apt_install([package])


def _start() -> None:
    """By systemd where it runs; else as a process of our own, told by its pid file."""
    if Path("/run/systemd/system").is_dir():
        subprocess.run(["systemctl", "start", "docker"], check=True)
    else:
        OWNER_FILE.write_text(str(ROOT))
        with LOG_FILE.open("ab") as log:
            subprocess.Popen(
                ["dockerd", "--pidfile", str(PID_FILE)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
    wait_until(answers, START_SECONDS, f"The container engine did not start; see {LOG_FILE}")


def _own_pid() -> int | None:
    """The process id of the dockerd that this checkout started, if it still runs and still is one (a number may be
    given out again)."""
    try:
        if OWNER_FILE.read_text() != str(ROOT):
            return None
        pid = int(PID_FILE.read_text())
        name = Path(f"/proc/{pid}/comm").read_text().strip()
    except (OSError, ValueError):
        return None
    return pid if name == "dockerd" else None


def main(words: list[str]) -> int:
    """``python -m lab.engine start`` says ``started`` on stdout if it had to; ``stop`` stops that one."""
    if words == ["start"]:
        had_one = answers()
        ensure()
        print("running" if had_one else "started")
    elif words == ["stop"]:
        if answers():
            sweep.leftovers(client())  # of tests that were killed
        print(stop() or "")
    else:
        print(main.__doc__)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
