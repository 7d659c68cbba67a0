"""The trial belongs to its checkout: it takes away what it started, and says soon what it cannot have."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from deploys import download
from deploys.components.squirrelmail import source
from deploys.config.read import settings
from lab import accounts, engine, trial
from lab.waiting import wait_until

SLEEP = shutil.which("sleep") or "/bin/sleep"


@pytest.fixture
def dockerd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[subprocess.Popen[bytes]]:
    """A process that is called dockerd, noted as the engine that this checkout started."""
    shutil.copy(SLEEP, tmp_path / "dockerd")
    monkeypatch.setattr(engine, "PID_FILE", tmp_path / "pid")
    monkeypatch.setattr(engine, "OWNER_FILE", tmp_path / "checkout")
    monkeypatch.setattr(engine, "_running", list)
    with subprocess.Popen([tmp_path / "dockerd", "60"]) as process:
        wait_until(lambda: engine_name(process.pid) == "dockerd", 10, "the kernel does not call it dockerd")
        (tmp_path / "pid").write_text(str(process.pid))
        (tmp_path / "checkout").write_text(str(engine.ROOT))
        yield process
        process.kill()


def engine_name(pid: int) -> str:
    """What the kernel calls a process: the program's name, a moment after it has begun."""
    return Path(f"/proc/{pid}/comm").read_text().strip()


@pytest.fixture
def own_trial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory for a trial of the test's own, where SquirrelMail's source cannot be had."""
    monkeypatch.setattr(trial, "TRIAL", tmp_path / "trial")
    source._fetched.cache_clear()  # an earlier test may have had it
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "url./nowhere/.insteadOf")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "https://")
    return tmp_path / "trial"


def test_two_checkouts_have_two_trials():
    assert trial.name_of(Path("/home/tito/posthaus")) != trial.name_of(Path("/home/iqbal/posthaus"))
    assert trial.name_of(trial.ROOT) == trial.NAME


def test_an_engine_that_another_checkout_started_stays(dockerd: subprocess.Popen[bytes]):
    engine.OWNER_FILE.write_text("/home/iqbal/posthaus")
    assert engine.stop() is None
    assert dockerd.poll() is None


def test_an_engine_that_nobody_of_ours_started_stays(dockerd: subprocess.Popen[bytes]):
    engine.OWNER_FILE.unlink()
    assert engine.stop() is None
    assert dockerd.poll() is None


def test_an_engine_on_which_others_containers_run_stays_and_they_are_named(
    dockerd: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(engine, "_running", lambda: ["shop", "wiki"])
    assert engine.stop() == "The container engine stays, for others use it: shop, wiki"
    assert dockerd.poll() is None


def test_an_engine_of_this_checkout_that_nobody_uses_stops(dockerd: subprocess.Popen[bytes]):
    with ThreadPoolExecutor() as pool:
        told = pool.submit(engine.stop)
        dockerd.wait(10)  # this test is its parent: the kernel keeps what ended until it is told
        assert "has stopped" in (told.result() or "")
    assert not engine.PID_FILE.exists()
    assert not engine.OWNER_FILE.exists()


def test_without_squirrelmails_source_the_trial_says_so_and_has_roundcube(own_trial: Path):
    webmail, why = trial.webmail_to_be_had()
    assert why.startswith("SquirrelMail's source cannot be had here: git could not fetch")
    accounts.write(own_trial, [("mail", {})], webmail)
    declared = settings(own_trial / "mail.yaml").webmail
    assert declared
    assert declared.program == "roundcube"
    assert trial.webmail_to_be_had() == (True, ""), "once it stands there, nothing is asked for"


def test_a_trial_whose_owner_wants_no_webmail_has_none(own_trial: Path):
    accounts.write(own_trial, [("mail", {})], False)
    assert trial.webmail_to_be_had() == (False, ".trial/mail.yaml says webmail: false")


def test_settings_that_want_a_webmail_are_not_changed_behind_their_writers_back(own_trial: Path):
    accounts.write(own_trial, [("mail", {})])
    with pytest.raises(trial.LabError, match=r"or write `webmail: \{program: roundcube\}` into \.trial/mail\.yaml"):
        trial.webmail_to_be_had()


def test_a_trial_without_webmail_shows_where_mail_programs_connect(tmp_path: Path):
    ports = {443: 8443, 993: 8993, 465: 8465}
    shown = trial._port_list(ports, False, ".trial/mail.yaml says webmail: false")
    assert "No webmail: .trial/mail.yaml says webmail: false" in shown
    assert "localhost:8993" in shown
    assert "localhost:8465" in shown
    assert "https://localhost:8443/setup/" in shown
    assert "setup" not in trial._port_list(ports, True, "")
    assert "It is Roundcube: it rains" in trial._port_list(ports, trial.ROUNDCUBE, "it rains")


def test_a_repository_that_never_answers_is_given_up_soon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setattr(download, "ASK_SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        begun = time.monotonic()
        with pytest.raises(download.DownloadError, match=r"no end after 0\.5 s"):
            download.git_archive(f"http://127.0.0.1:{silent.getsockname()[1]}/x.git", "0" * 40)
    assert time.monotonic() - begun < 5
