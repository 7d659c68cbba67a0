"""A real name server (BIND) on loopback, for the tests of the DNS: started and ended by its own process id."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import dns.exception
import dns.message
import dns.query
import pytest

os.environ["PATH"] += ":/usr/sbin:/sbin"  # where Debian keeps name servers, and not every shell looks
KEY = "test-key"
SECRET = "c2l4dGVlbiBieXRlcyBvciBtb3JlIG9mIHNlY3JldA=="
OPTIONS = """
key "{key}" {{ algorithm hmac-sha256; secret "{secret}"; }};
controls {{ }};
options {{
    directory "{directory}";
    pid-file none; session-keyfile none; lock-file none;
    listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};
    max-cache-size 8M; notify no; allow-transfer {{ none; }};
    {options}
}};
"""


def needs(*programs: str) -> pytest.MarkDecorator:
    """Skips, and says so, where a program is missing."""
    missing = [program for program in programs if shutil.which(program) is None]
    return pytest.mark.skipif(bool(missing), reason=f"NOT PROVED: {missing} missing; install bind9, bind9-utils, nsd")


def free_port() -> int:
    """A port that is free now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def authoritative(directory: Path, zones: Mapping[str, str]) -> Iterator[int]:
    """Serves the zone texts; every zone may be changed with the key. Gives the port."""
    clauses = ""
    for name, text in zones.items():
        (directory / f"{name}.zone").write_text(text)
        clauses += f'zone "{name}" {{ type primary; file "{name}.zone"; allow-update {{ key "{KEY}"; }}; }};\n'
    with named(directory, "recursion no;", clauses) as port:
        yield port


@contextmanager
def named(directory: Path, options: str, clauses: str) -> Iterator[int]:
    """One BIND in the foreground; ends with the block."""
    port = free_port()
    text = OPTIONS.format(key=KEY, secret=SECRET, directory=directory, port=port, options=options)
    (directory / "named.conf").write_text(text + clauses)
    log = directory / "named.log"
    command = ["named", "-4", "-g", "-n", "1", "-c", str(directory / "named.conf")]
    with log.open("w") as output, subprocess.Popen(command, stdout=output, stderr=output) as process:
        try:
            _until_it_answers(process, port, log)
            yield port
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


def _until_it_answers(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    for _ in range(50):
        if process.poll() is not None:
            break
        try:
            dns.query.udp(dns.message.make_query("version.bind", "TXT", "CH"), "127.0.0.1", timeout=0.2, port=port)
            return
        except (dns.exception.Timeout, OSError):
            time.sleep(0.1)
    raise AssertionError(f"named does not answer:\n{log.read_text()[-2000:]}")
