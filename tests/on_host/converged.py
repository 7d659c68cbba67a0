"""Hosts that are converged already: the first run on a bare host happens once, whoever's tests ask for it first."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import docker

from lab.alone import alone
from lab.mailhost import MailHost
from lab.progress import step
from lab.waiting import wait_until
from tests.on_host.settings import RUN
from tests.sharing import IMAGES

PREFIX = os.environ.get("POSTHAUS_IMAGES")
# Each service's own probe, as the host keeps it: a service that systemd calls active may still be reading its files.
PROBES = 'for probe in /var/lib/posthaus/units/*/probe; do [ ! -s "$probe" ] || sh "$probe" || exit 1; done'
MOUNTED = ("/etc/hostname", "/etc/hosts")  # the engine mounts its own over these, so no image holds them


@dataclass
class Converged:
    """One process's hosts, converged to EXAMPLE, by release; their disks are all processes' (``shared``: a directory).

    ``start``: starts a host, ``start(release, image=…)``.
    """

    engine: docker.DockerClient
    shared: Path
    start: Callable[..., MailHost]
    hosts: dict[str, MailHost] = field(default_factory=dict)

    def image(self, release: str) -> str:
        """The disk of a host of this release just after its first run, as an image."""
        tag, told = f"posthaus-{RUN}-{release}", self.shared / f"{release}.json"
        with alone(release, self.shared):
            if not told.exists():
                host = self.first_run(release)
                self.hosts[release] = host
                host.host.snapshot(tag)
                with (self.shared / IMAGES).open("a") as images:
                    images.write(f"{tag}\n")
                files = {path: host.read(path).decode() for path in MOUNTED}
                told.write_text(json.dumps({"address": host.address, "files": files}))
        return tag

    def first_run(self, release: str) -> MailHost:
        """A bare host and its first run, which has to succeed. The host is removed if it does not."""
        host = self.start(release, image=f"{PREFIX}{release}" if PREFIX else None)
        try:
            with step(f"Converging a bare {release} for the tests"):
                run = host.converge()
                assert run.rc == 0, f"The first run on {release} failed:\n{run.output}"
        except BaseException:
            host.host.remove()
            raise
        return host

    def host(self, release: str) -> MailHost:
        """This process's own host of the release, which its tests share."""
        image = self.image(release)
        if release not in self.hosts:
            self.hosts[release] = self.whole(self.start(release, image=image))
        return self.hosts[release]

    def whole(self, copy: MailHost) -> MailHost:
        """A host started from ``image``, with those files too that the engine keeps out of images."""
        told: dict[str, Any] = json.loads((self.shared / f"{copy.release}.json").read_text())
        for path, content in told["files"].items():
            copy.run(f"cat > {path}", input=content.replace(told["address"], copy.address))
        copy.run("hostname -F /etc/hostname")
        wait_until(lambda: not copy.run(PROBES, check=False).returncode, 90, f"{copy.name}: its services do not work")
        return copy

    def remove(self) -> None:
        """Take this process's hosts away; the images stay, for others may still start from them."""
        for host in self.hosts.values():
            host.host.remove()
