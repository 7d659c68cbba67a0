"""Images of real systemd machines: from Debian's archive by mmdebstrap, or from a registry where one answers."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import docker
from docker.errors import APIError, DockerException, ImageNotFound

from lab.alone import alone
from lab.errors import LabError, Unavailable
from lab.progress import step
from lab.releases import Release, release
from lab.system import apt_install

HERE = Path(__file__).parent
PACKAGES = ["systemd", "systemd-sysv", "dbus", "openssh-server", "python3-minimal", "iproute2"]
PACKAGES += ["ca-certificates", "procps", "sudo"]
# A registry's image is made for one process. These undo that, and add what a machine has.
ADAPT = f"""
rm -f /usr/sbin/policy-rc.d /etc/apt/apt.conf.d/docker-* /etc/dpkg/dpkg.cfg.d/excludes
apt-get -q update
apt-get -qq install -y --no-install-recommends {" ".join(PACKAGES)}
rm -f /etc/ssh/ssh_host_*
"""
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")  # Ubuntu has it in a package of this name
RECIPE_LABEL = "posthaus.recipe"
ENGINE_SECONDS = 600  # how long the engine may take over an image
REGISTRY_SECONDS = 20  # how long a registry may stay silent


def ensure(engine: docker.DockerClient, name: str) -> str:
    """The tag of an image of the release ``name``, made now if it is missing or was made by another recipe.

    Raises Unavailable where the base cannot be had here, LabError where making it fails.
    """
    wanted = release(name)
    with alone(f"image-{wanted.name}"):
        if _recipe(engine, wanted.tag) != recipe(wanted):
            with step(f"Making the image of {wanted.name} (once)"):
                _make(engine, wanted)
    return wanted.tag


def recipe(wanted: Release) -> str:
    """A digest of everything that goes into the image, so that a changed recipe makes a new one."""
    parts = [wanted.name, wanted.image, wanted.suite or "", ADAPT]
    if wanted.derived_from:
        parts += [recipe(release(wanted.derived_from)), _script(wanted)]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def _recipe(engine: docker.DockerClient, tag: str) -> str | None:
    """The recipe that the image says it was made by; None where there is no such image."""
    try:
        return (engine.images.get(tag).labels or {}).get(RECIPE_LABEL, "")
    except ImageNotFound:
        return None


def _make(engine: docker.DockerClient, wanted: Release) -> None:
    """The three ways: derive from another release, build from Debian's archive, take from a registry."""
    if wanted.derived_from:
        derive(engine, ensure(engine, wanted.derived_from), _script(wanted), wanted)
    elif wanted.suite and _can_bootstrap():
        _bootstrap(engine, wanted)
    else:
        derive(engine, _pull(wanted.image), ADAPT, wanted)


def _script(wanted: Release) -> str:
    """The shell script that turns the base into a derived release; lies beside this file under the release's name."""
    return (HERE / f"{wanted.name}.sh").read_text()


def _can_bootstrap() -> bool:
    """Whether mmdebstrap may be used: by root, for many systems let nobody else make a root file system."""
    return os.geteuid() == 0 and bool(shutil.which("mmdebstrap") or shutil.which("apt-get"))


def _bootstrap(engine: docker.DockerClient, wanted: Release) -> None:
    """Make a root file system from Debian's archive and import it (25 s, then 5 s)."""
    apt_install(["mmdebstrap"] * (not shutil.which("mmdebstrap")) + [KEYRING.stem] * (not KEYRING.exists()))
    with tempfile.TemporaryDirectory(prefix="posthaus-image-") as directory:
        tar = f"{directory}/{wanted.name}.tar"
        run = subprocess.run(_mmdebstrap(str(wanted.suite), tar), capture_output=True, text=True)
        if run.returncode:
            raise LabError(f"mmdebstrap could not make {wanted.name}:\n{run.stderr[-1500:]}")
        engine.api.import_image_from_file(
            tar, repository=wanted.tag, tag="latest", changes=[f"LABEL {RECIPE_LABEL}={recipe(wanted)}"]
        )


def _mmdebstrap(suite: str, tar: str) -> list[str]:
    """The command line. Host keys are left out: each host makes its own at its first boot."""
    command = ["mmdebstrap", "--variant=apt", f"--include={','.join(PACKAGES)}"]
    if suite == "testing":  # a mirror may carry an expired Release file of testing
        command.append("--aptopt=Acquire::Check-Valid-Until false")
    return [*command, '--customize-hook=rm -f "$1"/etc/ssh/ssh_host_*', suite, tar]


def _pull(image: str) -> str:
    """Fetch ``image`` from its registry. Raises Unavailable with the reason."""
    if refusal := _refusal(image):
        raise Unavailable(f"{image} not reachable here ({refusal}): not run")
    return image


@cache
def _refusal(image: str) -> str:
    """Why ``image`` cannot be fetched, empty if it was. Asked once: a registry that is silent costs its time-out."""
    engine = docker.from_env(timeout=REGISTRY_SECONDS)
    try:
        for _ in engine.api.pull(image, tag=None, stream=True):
            pass  # a stream, so that the time-out counts from the last sign of life
        engine.images.get(image)
    except (DockerException, OSError) as error:
        return _reason(error)
    return ""


def _reason(error: Exception) -> str:
    """The engine's own words, in one line."""
    words = error.explanation if isinstance(error, APIError) else str(error)
    return " ".join(str(words).split())[:160]


def derive(engine: docker.DockerClient, base: str, script: str, wanted: Release) -> None:
    """Run ``script`` on ``base`` and keep what comes out. Raises LabError with the script's last lines."""
    script = "export DEBIAN_FRONTEND=noninteractive\n" + script
    container = engine.containers.create(base, ["/bin/sh", "-ec", script], labels={"posthaus": "image"})
    try:
        container.start()
        if container.wait()["StatusCode"]:
            raise LabError(f"Making {wanted.name} failed:\n{container.logs().decode(errors='replace')[-1500:]}")
        label = f"LABEL {RECIPE_LABEL}={recipe(wanted)}"
        container.commit(wanted.tag, "latest", changes=[label, 'CMD ["/lib/systemd/systemd"]'])
    finally:
        container.remove(force=True)


def main(names: Sequence[str]) -> int:
    """``python -m lab.images RELEASE…``: make these images, side by side; those that need another wait for it."""
    with ThreadPoolExecutor(len(names)) as pool:
        list(pool.map(lambda name: ensure(docker.from_env(timeout=ENGINE_SECONDS), name), names))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
