"""Find and remove what the lab left behind: only what carries the label of an owner that is gone."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path

import docker
from docker.errors import APIError

OWNER_LABEL = "posthaus.owner"


def owner(pid: int | None = None) -> Mapping[str, str]:
    """Labels that say which process (by default this one) a host belongs to, so that a later one sees if it lives."""
    pid = pid or os.getpid()
    return {OWNER_LABEL: f"{pid}:{_started(pid)}"}


def leftovers(engine: docker.DockerClient) -> list[str]:
    """Remove hosts, networks and snapshots whose owner was killed before it could tidy up. Returns their names."""
    names = []
    filters = {"label": OWNER_LABEL}
    for thing in engine.containers.list(all=True, filters=filters):
        if not _lives(thing.labels[OWNER_LABEL]):
            names.append(thing.name)
            with suppress(APIError):  # another session is just removing it
                thing.remove(force=True, v=True)
    for network in engine.networks.list(filters=filters):
        if not _lives(network.attrs["Labels"][OWNER_LABEL]):
            with suppress(APIError):  # something that is not ours to remove still uses it
                network.remove()
                names.append(network.name)
    for image in engine.images.list(filters=filters):  # a snapshot carries the labels of the host that it was
        if not _lives(image.labels[OWNER_LABEL]):
            names += image.tags or [image.id]
            with suppress(APIError):
                engine.images.remove(image.id, force=True)
    return names


def remove_images(tags: Sequence[str]) -> None:
    """Remove images of our own, those that are gone already aside."""
    with closing(docker.from_env()) as engine:
        for tag in tags:
            with suppress(APIError):
                engine.images.remove(tag, force=True)


def _lives(label: str) -> bool:
    """Whether the process of the label still runs: same number and same start."""
    pid, _, started = label.partition(":")
    return pid.isdigit() and _started(int(pid)) == started


def _started(pid: int) -> str:
    """When a process was started, in clock ticks since boot (proc(5), stat, field 22); empty if there is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""
