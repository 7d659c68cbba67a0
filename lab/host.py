"""A throwaway host: a container with systemd as process 1, sshd, and the real packages."""

from __future__ import annotations

import contextlib
import shlex
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import docker
from docker.errors import NotFound

from lab import enter, images, ssh
from lab.errors import LabError
from lab.releases import release
from lab.waiting import wait_until

BOOT = (Path(__file__).parent / "boot.sh").read_text()
BOOT_SECONDS = 90
# Named one by one: --privileged fails where the machine itself lacks a capability.
MACHINE: dict[str, Any] = {
    "cgroupns": "private",
    "cap_add": ["SYS_ADMIN", "NET_ADMIN", "SYS_PTRACE"],
    "security_opt": ["seccomp=unconfined", "apparmor=unconfined"],
    "tmpfs": {"/run": "", "/run/lock": "", "/tmp": ""},  # the engine mounts them noexec, as careful hosts do
}


@dataclass
class LabHost:
    """A running host and how to reach it."""

    name: str
    release: str
    container: Any
    state: Path  # directory of this host's known_hosts (0700)
    key: Path
    user: str
    sudo_password: str | None = None
    ports: Mapping[int, int] = field(default_factory=dict)

    @property
    def address(self) -> str:
        """Its IPv4 address on the first of its networks."""
        self.container.reload()
        networks = self.container.attrs["NetworkSettings"]["Networks"]
        return next(str(network["IPAddress"]) for network in networks.values() if network["IPAddress"])

    @property
    def ssh_endpoint(self) -> tuple[str, int]:
        """Address and port to reach sshd at: the published port where there is one, else the host's own address."""
        return ("127.0.0.1", self.ports[22]) if 22 in self.ports else (self.address, 22)

    def run(
        self, command: str, check: bool = True, input: str | bytes | None = None, timeout: float = 300
    ) -> subprocess.CompletedProcess[str]:
        """Run a shell command as root (not over SSH). With ``check``, a failure raises LabError with its output."""
        done = self._exec(command, input.encode() if isinstance(input, str) else input, timeout)
        out, err = done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
        if check and done.returncode:
            raise LabError(f"{self.name}: {command!r} exited {done.returncode}:\n{out[-2000:]}{err[-2000:]}")
        return subprocess.CompletedProcess(command, done.returncode, out, err)

    def _exec(self, command: str, data: bytes | None, timeout: float) -> subprocess.CompletedProcess[bytes]:
        """One command on the host, with ``data`` on its stdin."""
        words = [*enter.way(self.container, data is not None), "/bin/sh", "-c", command]
        if data is None:
            return subprocess.run(words, capture_output=True, timeout=timeout, stdin=subprocess.DEVNULL)
        return subprocess.run(words, capture_output=True, timeout=timeout, input=data)

    def read(self, path: str) -> bytes:
        """The content of a file on the host. Raises LabError where it cannot be read."""
        done = self._exec(f"cat {shlex.quote(path)}", None, 60)
        if done.returncode:
            raise LabError(f"{self.name}: {done.stderr.decode(errors='replace')}")
        return done.stdout

    def write(self, path: str, content: str | bytes, mode: str = "0644") -> None:
        """Put a file on the host, owned by root, with its directory. The content travels on stdin."""
        target = shlex.quote(path)
        self.run(f'mkdir -p "$(dirname {target})" && cat > {target} && chmod {mode} {target}', input=content)

    def inventory(self) -> tuple[str, dict[str, Any]]:
        """Name and data of the host for a pyinfra inventory, over SSH with host key checking on."""
        address, port = self.ssh_endpoint
        data: dict[str, Any] = {
            "ssh_hostname": address,
            "ssh_port": port,
            "ssh_user": self.user,
            "ssh_key": str(self.key),
            "ssh_known_hosts_file": str(self.state / "known_hosts"),
            "ssh_strict_host_key_checking": "yes",
        }
        if self.user != "root":
            data["_sudo"] = True
        if self.sudo_password:
            data["_sudo_password"] = self.sudo_password
        return self.name, data

    def wait(self) -> LabHost:
        """Wait until systemd has started everything and sshd listens; write known_hosts. Raises LabError after 90 s."""
        wait_until(self._is_up, BOOT_SECONDS, f"{self.name} did not come up; look with: docker logs {self.name}")
        self.write_known_hosts()
        return self

    def write_known_hosts(self) -> None:
        """Write the host's own keys, read through the engine, where the inventory says that they lie."""
        keys = self.run("cat /etc/ssh/ssh_host_*_key.pub").stdout.splitlines()
        self.state.mkdir(mode=0o700, parents=True, exist_ok=True)
        (self.state / "known_hosts").write_text(ssh.known_hosts(*self.ssh_endpoint, keys))

    def _is_up(self) -> bool:
        """Whether the boot is over (``degraded`` counts: one failed unit of the image is not ours) and sshd listens."""
        self.container.reload()
        if self.container.status == "exited":
            raise LabError(
                f"{self.name} stopped while booting:\n{self.container.logs().decode(errors='replace')[-1500:]}"
            )
        state = self.run("systemctl is-system-running", check=False).stdout.strip()
        return (
            state in ("running", "degraded")
            and not self.run("ss -Hltn sport = :22 | grep -q .", check=False).returncode
        )

    def snapshot(self, tag: str) -> str:
        """Keep the host's disk as the image ``tag``; copies of it start in seconds. Returns the tag."""
        self.run("sync")
        self.container.commit(tag, "latest", pause=True)
        return tag

    def remove(self) -> None:
        """Take the host away, whatever it is doing."""
        with contextlib.suppress(NotFound):
            self.container.remove(force=True, v=True)


def start(
    engine: docker.DockerClient,
    name: str,
    release_name: str,
    state: Path,
    *,
    image: str | None = None,
    user: str | None = None,
    sudo_password: str | None = None,
    ports: Mapping[int, int] | None = None,
    network: str | None = None,
    address: str | None = None,
    labels: Mapping[str, str] | None = None,
) -> LabHost:
    """Start a host and wait until it is up.

    ``state``: directory for keys and known_hosts (0700). ``image``: a snapshot instead of the release's bare image.
    ``user``: who logs in by SSH (the release's own by default; ``deploy`` is made, with ``sudo_password`` if given).
    ``ports``: host port to port of 127.0.0.1 on this machine. ``address``: fixed, in ``network``.
    Raises Unavailable where the image cannot be had, LabError where the host does not come up.
    """
    key = ssh.key_pair(state)
    networking = {network: engine.api.create_endpoint_config(ipv4_address=address)} if network and address else None
    container = engine.containers.run(
        image or images.ensure(engine, release_name),
        ["/bin/sh", "-c", BOOT],
        name=name,
        hostname=name,
        detach=True,
        environment={"container": "docker", "AUTHORIZED_KEY": ssh.public_key(key)},
        labels={"posthaus": "host", **(labels or {})},
        ports={f"{port}/tcp": ("127.0.0.1", here) for port, here in (ports or {}).items()},
        network=network,
        networking_config=networking,
        **MACHINE,
    )
    host = LabHost(
        name, release_name, container, state / name, key,
        user or release(release_name).user, sudo_password, dict(ports or {}),
    )  # fmt: skip
    try:
        host.wait()
        if host.user == "deploy":
            add_deployer(host)
    except BaseException:
        host.remove()
        raise
    return host


def add_deployer(host: LabHost) -> None:
    """Make the user ``deploy``, who may sudo: with ``sudo_password`` where the host has one, else without any."""
    host.run("id deploy >/dev/null 2>&1 || useradd -m -s /bin/bash -G sudo deploy")
    host.run(
        "mkdir -p -m 0700 ~deploy/.ssh && cp /root/.ssh/authorized_keys ~deploy/.ssh/ && chown -R deploy: ~deploy/.ssh"
    )
    if host.sudo_password:
        host.run("chpasswd", input=f"deploy:{host.sudo_password}")
    else:
        host.write("/etc/sudoers.d/deploy", "deploy ALL=(ALL) NOPASSWD: ALL\n", mode="0440")
