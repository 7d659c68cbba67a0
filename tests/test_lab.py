"""The lab, as far as it needs no engine: keys, sites, releases, and a proxy that makes a host distant."""

from __future__ import annotations

import runpy
import socket
import stat
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from facts.state import tree_id
from lab import site, ssh
from lab.delay import delayed
from lab.errors import LabError
from lab.nightly import summary
from lab.passwords import random_password
from lab.releases import release


def test_hosts_that_start_side_by_side_know_the_same_key(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        keys = {ssh.public_key(key) for key in pool.map(lambda _: ssh.key_pair(tmp_path), range(8))}
    assert len(keys) == 1
    assert stat.S_IMODE((tmp_path / "id_ed25519").stat().st_mode) == 0o600


def test_a_host_is_known_by_its_port_where_that_is_not_22():
    assert ssh.known_hosts("127.0.0.1", 2222, ["ssh-ed25519 AAAA root@x"]) == "[127.0.0.1]:2222 ssh-ed25519 AAAA\n"
    assert ssh.known_hosts("192.0.2.1", 22, ["ssh-ed25519 AAAA root@x"]) == "192.0.2.1 ssh-ed25519 AAAA\n"


def test_a_site_is_an_inventory_that_python_reads_and_nobody_else(tmp_path):
    directory = site.write(tmp_path / "site", [("mail", {"_sudo_password": "a b;c'$\"#é"})], {"hostname": "ä"})
    assert runpy.run_path(str(directory / "inventory.py"))["mail"] == [("mail", {"_sudo_password": "a b;c'$\"#é"})]
    assert {stat.S_IMODE(path.stat().st_mode) for path in directory.iterdir()} == {0o600}


def test_a_release_nobody_knows_is_refused_with_those_there_are():
    with pytest.raises(LabError, match="debian-13"):
        release("debian-99")


def test_a_password_can_be_read_off_a_screen():
    password = random_password()
    assert len(set(password) & set("l1o0I")) == 0
    assert len(password) == 19


def test_a_distant_host_answers_late_and_whole():
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_echo, args=(server,), daemon=True).start()
        far = server.getsockname()[1]
        with delayed("127.0.0.1", far, 0.05) as port, socket.create_connection(("127.0.0.1", port), 10) as client:
            start = time.monotonic()
            client.sendall(b"x" * 100_000)
            client.shutdown(socket.SHUT_WR)
            got = b"".join(iter(lambda: client.recv(1 << 16), b""))
            took = time.monotonic() - start
    assert got == b"x" * 100_000
    assert took >= 0.1


def _echo(server: socket.socket) -> None:
    connection, _ = server.accept()
    with connection:
        connection.sendall(b"".join(iter(lambda: connection.recv(1 << 16), b"")))


def test_a_night_that_went_wrong_says_so():
    said = summary({"release": "debian-13", "passed": False, "changed_by_second_run": 2})
    assert "debian-13: FAILED" in said
    assert '"changed_by_second_run": 2' in said


def test_two_targets_never_share_their_state():
    targets = ["/etc/a-b", "/etc/a/b", "/etc-a/b", "/etc/a--b", "/etc/a"]
    assert len({tree_id(target) for target in targets}) == len(targets)
