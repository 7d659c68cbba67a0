"""The probes as they go to a host: programs that parse, without a secret, that tell their reasons apart."""

from __future__ import annotations

import os
import shlex
import socket
import subprocess
from pathlib import Path

import pytest

from deploys.components.apache import render as apache
from deploys.components.dovecot import render as dovecot
from deploys.components.postfix import render as postfix
from deploys.components.postsrsd import probe as srs_probe
from deploys.components.postsrsd import render as postsrsd
from deploys.components.rspamd import render as rspamd
from deploys.components.rspamd.probe import accepted, answered_by
from deploys.components.squirrelmail import render as squirrelmail
from deploys.components.unbound import render as unbound
from deploys.probes.program import program
from tests.settings import golden_server

PROBES = {
    "dovecot": lambda mail: dovecot.running(mail),
    "postfix": lambda mail: postfix.running(mail),
    "rspamd": lambda mail: rspamd.running("posthaus-probe@example.com"),
    "postsrsd": lambda mail: postsrsd.running("2"),
    "unbound": lambda mail: unbound.running(),
    "webmail": lambda mail: squirrelmail.running("8.2"),
    "apache": lambda mail: apache.running(mail),
}


def run(command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=20, check=False)


@pytest.mark.parametrize("name", PROBES)
def test_every_probe_is_a_program_that_parses_and_fits_a_command_line(monkeypatch: pytest.MonkeyPatch, name: str):
    command = PROBES[name](golden_server(monkeypatch))
    words = shlex.split(command)
    assert words[:4] == ["exec", "python3", "-I", "-c"]
    compile(words[4], name, "exec")
    assert len(command) < 60_000  # Linux takes 131,072 bytes in one argument


def test_nobody_there_yet_is_told_from_a_wrong_answer():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        port = server.getsockname()[1]
    maps = [(port, "forward"), (port, "reverse")]
    assert run(program(srs_probe, maps=maps)).returncode == 75
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        maps = [(port, "forward"), (port, "reverse")]
        asking = subprocess.Popen(["sh", "-c", program(srs_probe, maps=maps)], stderr=subprocess.PIPE, text=True)
        client, _ = server.accept()
        with client:
            client.recv(100)
            client.sendall(b"9:NOTFOUND ,")
        assert "SRS makes nothing of" in asking.communicate(timeout=20)[1]
        assert asking.returncode == 1


def test_a_probe_that_is_ended_says_so():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        command = program(srs_probe, maps=[(port, "forward"), (port, "reverse")])
        done = run(f"timeout 3 sh -c {shlex.quote(command)}")
    assert "no answer within the time" in done.stderr


def test_an_operators_own_certificate_parameter_is_not_compared_with_ours(monkeypatch: pytest.MonkeyPatch):
    own = {"parameters": {"smtpd_tls_chain_files": "/etc/own.pem"}}
    assert "fullchain.pem" in postfix.running(golden_server(monkeypatch))
    assert "fullchain.pem" not in postfix.running(golden_server(monkeypatch, postfix=own))


def test_rspamds_probe_knows_which_process_answered_it(tmp_path: Path):
    path = str(tmp_path / "socket")
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        server.bind(path)
        server.listen()
        before = accepted(path)
        client.connect(path)
        assert not answered_by({os.getpid()}, accepted(path) - before), "nobody has accepted it yet"
        other, _ = server.accept()
        with other:
            new = accepted(path) - before
            assert answered_by({os.getpid()}, new)
            assert not answered_by({os.getppid()}, new), "somebody else holds the other end"
