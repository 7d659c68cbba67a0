"""A disk that can be filled without filling this machine's: a directory of the host moves to a small one in memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.on_host.chaos.world import UNITS, WORKS_SECONDS, World

SMALL = "/mnt/small"
FREE_MEGABYTES = 16
# Nothing runs while its files move: this is the test's own work, before and after the fault, and no part of it.
_MOVE = """set -e
systemctl stop $({units})
megabytes=$(( $(du -sm {directory} | cut -f1) + {free} ))
mkdir -p {small}
mount -t tmpfs -o size=${{megabytes}}m,mode=$(stat -c %a {directory}) small {small}
chown --reference={directory} {small}
cp -a {directory}/. {small}/
mount --bind {small} {directory}
systemctl start $({units})"""
_MOVE_BACK = """set -e
systemctl stop $({units})
umount {directory}
find {directory} -mindepth 1 -delete
cp -a {small}/. {directory}/
umount {small}
systemctl start $({units})"""
FILL = f"head -c 1G /dev/zero >{SMALL}/filler 2>/dev/null; test -s {SMALL}/filler"
FREE = f"rm -f {SMALL}/filler"


@contextmanager
def small_disk(world: World, directory: str) -> Iterator[None]:
    """``directory`` on a disk of its own with 16 MB free, until the round is over."""
    words = {"directory": directory, "small": SMALL, "free": FREE_MEGABYTES, "units": UNITS}
    world.host.run(_MOVE.format(**words))
    try:
        world.works(WORKS_SECONDS, "the services do not work on the small disk")
        yield
    finally:
        world.host.run(FREE, check=False)
        world.host.run(_MOVE_BACK.format(**words))
