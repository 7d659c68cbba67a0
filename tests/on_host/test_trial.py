"""The trial itself, begun from a converged host's disk, where SquirrelMail's source cannot be had: with Roundcube."""

from __future__ import annotations

import imaplib
import re
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest
from docker.errors import NotFound

from deploys.components.squirrelmail import source
from lab import engine as lab_engine
from lab import images, trial
from lab.mailhost import MailHost
from lab.waiting import wait_until
from tests.roundcube import RoundcubeClient

pytestmark = [pytest.mark.host, pytest.mark.releases("debian-13")]


@pytest.fixture
def own_trial(tmp_path: Path, snapshot: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A trial beside whatever trial this checkout has, on a machine that reaches no git repository."""
    monkeypatch.setattr(trial, "TRIAL", tmp_path / "trial")
    monkeypatch.setattr(trial, "NAME", trial.name_of(tmp_path))
    monkeypatch.setattr(images, "ensure", lambda *_: snapshot)
    run = trial.pyinfra  # the disk has a domain that a trial has not, and is asked about it
    confirm = {"deploys/mail.py": ("--data", "confirm=example.net")}
    monkeypatch.setattr(trial, "pyinfra", lambda *words: run(*words, *confirm.get(words[1], ())))
    source._fetched.cache_clear()  # an earlier test may have had it
    for name, value in {
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "url./nowhere/.insteadOf",
        "GIT_CONFIG_VALUE_0": "https://",
    }.items():
        monkeypatch.setenv(name, value)
    yield tmp_path / "trial"
    subprocess.run(["docker", "rm", "-fv", trial.NAME], capture_output=True)


@pytest.fixture
def engine_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[subprocess.Popen[bytes]]:
    """A process that passes for the engine that this checkout started; the containers are those of the real one."""
    shutil.copy(shutil.which("sleep") or "/bin/sleep", tmp_path / "dockerd")
    monkeypatch.setattr(lab_engine, "PID_FILE", tmp_path / "pid")
    monkeypatch.setattr(lab_engine, "OWNER_FILE", tmp_path / "checkout")
    with subprocess.Popen([tmp_path / "dockerd", "600"]) as process:
        comm = Path(f"/proc/{process.pid}/comm")
        wait_until(lambda: comm.read_text() == "dockerd\n", 10, "the kernel does not call it dockerd")
        (tmp_path / "pid").write_text(str(process.pid))
        (tmp_path / "checkout").write_text(str(lab_engine.ROOT))
        yield process
        process.kill()


def test_without_squirrelmails_source_a_trial_has_roundcube_and_takes_only_itself_away(
    mail_host: MailHost,
    engine: docker.DockerClient,
    own_trial: Path,
    engine_of_ours: subprocess.Popen[bytes],
    capfd: pytest.CaptureFixture[str],
):
    code = trial.main(["--release", mail_host.release])
    out, err = capfd.readouterr()
    assert code == 0, out + err
    assert err.index("So the webmail of this trial is Roundcube") < err.index("Starting a host")
    assert "It is Roundcube: SquirrelMail's source cannot be had here: git could not fetch" in out
    lines = [line.split() for line in out.splitlines()]
    port = next(words[2].partition(":")[2] for words in lines if words[:2] == ["IMAP,", "TLS"])
    person, password = next(words for words in lines if words and words[0] == "tito@example.com")
    trusted = ssl.create_default_context(cafile=str(own_trial / "ca.pem"))
    trusted.check_hostname = False  # it is localhost here
    with imaplib.IMAP4_SSL("127.0.0.1", int(port), ssl_context=trusted, timeout=20) as imap:
        assert imap.login(person, password)[0] == "OK"
    (web,) = re.findall(r"https://localhost:(\d+)/$", out, re.MULTILINE)
    browser = RoundcubeClient("webmail.example.com", "127.0.0.1", str(own_trial / "ca.pem"), int(web))
    assert browser.is_inside(browser.log_in(person, password))

    assert trial.main(["--down"]) == 0
    told = capfd.readouterr().err
    assert "The container engine stays, for others use it:" in told
    assert mail_host.name in told
    assert engine_of_ours.poll() is None
    assert mail_host.run("true").returncode == 0
    assert not own_trial.exists()
    with pytest.raises(NotFound):
        engine.containers.get(trial.NAME)
