"""What the lab promises about its own hosts."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import docker
import pytest
from docker.errors import ImageNotFound, NotFound

from lab import images, sweep
from lab.images import ADAPT
from lab.releases import Release

pytestmark = pytest.mark.host
GONE = {sweep.OWNER_LABEL: "0:0"}  # no process has this number


@pytest.fixture
def debian(engine: docker.DockerClient) -> str:
    return images.ensure(engine, "debian-12")


@pytest.fixture
def abandoned(engine: docker.DockerClient, debian: str) -> Iterator[Any]:
    """A host whose session was killed, and its snapshot."""
    container = engine.containers.create(debian, "true", name="posthaus-abandoned", labels=GONE)
    image = container.commit("posthaus-abandoned-snapshot", "latest")
    yield container
    for remove in (lambda: container.remove(force=True), lambda: engine.images.remove(image.id, force=True)):
        with contextlib.suppress(NotFound):
            remove()


@pytest.mark.releases("debian-12")
def test_what_a_killed_session_left_goes_away_and_nothing_else(engine, debian, abandoned, bare_host):
    gone = sweep.leftovers(engine)
    assert {"posthaus-abandoned", "posthaus-abandoned-snapshot:latest"} <= set(gone)
    with pytest.raises(ImageNotFound):
        engine.images.get("posthaus-abandoned-snapshot")
    assert bare_host.name not in gone
    assert bare_host.run("systemctl is-system-running").stdout.strip() == "running"
    assert engine.images.get(debian)


AS_A_REGISTRY_HAS_IT = """
printf '#!/bin/sh\\nexit 101\\n' > /usr/sbin/policy-rc.d && chmod +x /usr/sbin/policy-rc.d
echo 'Dir::Cache::pkgcache "";' > /etc/apt/apt.conf.d/docker-clean
echo 'path-exclude /usr/share/doc/*' > /etc/dpkg/dpkg.cfg.d/excludes
SUDO_FORCE_REMOVE=yes apt-get -qq purge -y openssh-sftp-server iproute2 procps sudo python3-minimal >/dev/null
"""


def test_an_image_made_for_one_process_becomes_a_machine(engine, debian, start_host):
    """The way of the Ubuntu images, proved on Debian where no registry answers."""
    one_process = Release("lab-one-process", "")
    machine = Release("lab-machine", "")
    try:
        images.derive(engine, debian, AS_A_REGISTRY_HAS_IT, one_process)
        images.derive(engine, one_process.tag, ADAPT, machine)
        host = start_host("debian-12", image=machine.tag)
        assert host.run("systemctl is-system-running").stdout.strip() == "running"
        assert host.run("ls /usr/sbin/policy-rc.d /etc/apt/apt.conf.d/docker-clean", check=False).returncode
        host.host.remove()
    finally:
        for made in (machine, one_process):
            with contextlib.suppress(NotFound):
                engine.images.remove(made.tag, force=True)
