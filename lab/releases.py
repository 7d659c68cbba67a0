"""The releases that the lab knows, and where a base of each comes from."""

from __future__ import annotations

from dataclasses import dataclass

from lab.errors import LabError


@dataclass(frozen=True)
class Release:
    """A distribution's release: its image at a registry, and for Debian the suite that mmdebstrap makes it from."""

    name: str
    image: str
    suite: str | None = None
    derived_from: str | None = None
    user: str = "root"  # who logs in by SSH

    @property
    def tag(self) -> str:
        """The name of our own image of it."""
        return f"posthaus/{self.name}"


RELEASES = {
    release.name: release
    for release in (
        Release("debian-12", "debian:12", suite="bookworm"),
        Release("debian-13", "debian:13", suite="trixie"),
        Release("debian-testing", "debian:testing", suite="testing"),
        Release("ubuntu-22.04", "ubuntu:22.04"),
        Release("ubuntu-24.04", "ubuntu:24.04"),
        Release("ubuntu-26.04", "ubuntu:26.04"),
        Release("ubuntu-like", "", derived_from="debian-12", user="ubuntu"),
    )
}


# Not for mail: the lab's own DNS and certificate authority. Debian 13 has no Pebble.
SERVERS = Release("lab-servers", "", derived_from="debian-12")


def release(name: str) -> Release:
    """The release called ``name``. Raises LabError, listing what there is, if there is none."""
    try:
        return SERVERS if name == SERVERS.name else RELEASES[name]
    except KeyError:
        raise LabError(f"No release is called {name!r}; there are: {', '.join(RELEASES)}") from None
