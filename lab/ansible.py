"""Ansible finding nothing to do on a converged host, for comparison: ansible-core as PyPI has it, with pipelining on.

The playbook is of our own writing: 51 tasks of the kinds that a mail server's role is made of, one for each file,
directory, unit and account.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from deploys.download import cache
from lab.mailhost import MailHost

VERSION = "2.19.14"  # of ansible-core
FILES, DIRECTORIES = 25, 10
PLACE = "/etc/posthaus-bench"
UNITS = (
    *("dovecot", "postfix", "rspamd", "apache2", "ssh", "systemd-journald"),
    *("posthaus-redis", "posthaus-mime", "posthaus-sieve.socket"),
)


def playbook(packages: Sequence[str]) -> list[dict[str, Any]]:
    """The play: 51 tasks."""
    root = {"owner": "root", "group": "root"}
    paths = [f"{PLACE}/{number % DIRECTORIES}" for number in range(FILES)]
    tasks: list[tuple[str, dict[str, Any]]] = [
        ("apt", {"name": list(packages), "state": "present", "install_recommends": False}),
        *(("group", {"name": f"bench{number}", "system": True}) for number in range(2)),
        *(("user", {"name": f"bench{number}", "group": f"bench{number}", "system": True}) for number in range(2)),
        *(("file", {"path": f"{PLACE}/{n}", "state": "directory", "mode": "0755", **root}) for n in range(DIRECTORIES)),
        *(
            ("copy", {"dest": f"{path}/{number}.conf", "content": f"number = {number}\n" * 40, "mode": "0644", **root})
            for number, path in enumerate(paths)
        ),
        *(("lineinfile", {"path": f"{PLACE}/lines", "line": f"line {n}", "create": True}) for n in range(2)),
        *(("systemd", {"name": unit, "state": "started"}) for unit in UNITS),
    ]
    named = [
        {"name": f"{number}: {kind}", f"ansible.builtin.{kind}": given} for number, (kind, given) in enumerate(tasks, 1)
    ]
    return [{"hosts": "all", "tasks": named}]


class Ansible:
    """ansible-playbook against one host; everything it needs to know lies in ``directory``."""

    def __init__(self, mail_host: MailHost, packages: Sequence[str], directory: Path) -> None:
        self.program = _program()
        self.directory = directory
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        name, data = mail_host.entry
        options = f"-o UserKnownHostsFile={data['ssh_known_hosts_file']} -o StrictHostKeyChecking=yes"
        host = {
            "ansible_host": data["ssh_hostname"],
            "ansible_port": data["ssh_port"],
            "ansible_user": data["ssh_user"],
            "ansible_ssh_private_key_file": data["ssh_key"],
            "ansible_ssh_common_args": options,
            "ansible_become": data["ssh_user"] != "root",
        }
        self._write("hosts.yaml", {"all": {"hosts": {name: host}}})
        self._write("play.yaml", playbook(packages))

    def play(self) -> dict[str, int]:
        """Run the play; how many tasks were ok, changed, failed and so on."""
        done = subprocess.run(
            [self.program, "-i", self.directory / "hosts.yaml", self.directory / "play.yaml"],
            env={**os.environ, "ANSIBLE_PIPELINING": "True", "ANSIBLE_NOCOLOR": "1", "LC_ALL": "C.UTF-8"},
            cwd=self.directory, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=900,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return {word: int(count) for word, count in re.findall(r"(\w+)=(\d+)", done.stdout.rpartition("PLAY RECAP")[2])}

    def _write(self, name: str, content: Any) -> None:
        (self.directory / name).write_text(yaml.safe_dump(content, sort_keys=False))


def _program() -> Path:
    """ansible-playbook, in an environment of its own in the cache, installed where it is not there yet."""
    where = cache() / f"ansible-core-{VERSION}"
    program = where / "bin" / "ansible-playbook"
    if not program.exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", where], check=True)
        subprocess.run([where / "bin" / "pip", "install", "-q", f"ansible-core=={VERSION}"], check=True)
    return program
