"""SRS (https://www.libsrs2.net/srs/srs.pdf), by postsrsd: what an alias leads elsewhere goes on under an envelope
sender of ours, since the true one's SPF does not name this host (RFC 7208, 10.3). Same options in, same text out."""

from __future__ import annotations

from collections.abc import Iterable

from deploys.components.postsrsd import probe
from deploys.components.postsrsd.options import FORWARD, REVERSE, SOCKETMAP
from deploys.probes.program import program
from operations.file import File

SECRET = "/etc/postsrsd.secret"  # made once, by the package
HEAD = "# Written by Posthaus: the next run undoes changes made here.\n"


def packages() -> tuple[str, ...]:
    """postsrsd."""
    return ("postsrsd",)


def target(series: str) -> str:
    """The directory of its configuration."""
    return "/etc/default" if series == "1" else "/etc"


def configuration(series: str, domains: Iterable[str]) -> dict[str, File]:
    """Its file below ``target``. ``domains``: ours; messages from these keep their sender, the first stands for all."""
    names = list(domains)
    if series == "1":
        return {"postsrsd": File(HEAD + _default(names))}
    return {"postsrsd.conf": File(HEAD + _conf(names))}


def _default(domains: list[str]) -> str:
    settings = {
        "SRS_DOMAIN": domains[0],
        "SRS_EXCLUDE_DOMAINS": ",".join(domains),
        "SRS_SEPARATOR": "=",
        "SRS_SECRET": SECRET,
        "SRS_HASHLENGTH": "4",
        "SRS_HASHMIN": "4",
        "SRS_FORWARD_PORT": str(FORWARD),
        "SRS_REVERSE_PORT": str(REVERSE),
        "SRS_LISTEN_ADDR": "127.0.0.1",
        "RUN_AS": "postsrsd",
        "CHROOT": "/var/lib/postsrsd",
    }
    return "".join(f"{name}={value}\n" for name, value in settings.items())


def _conf(domains: list[str]) -> str:
    quoted = ", ".join(f'"{domain}"' for domain in domains)
    return (
        f'domains = {{ {quoted} }}\nsrs-domain = "{domains[0]}"\nsocketmap = "inet:127.0.0.1:{SOCKETMAP}"\n'
        f'secrets-file = "{SECRET}"\nseparator = "="\nhash-length = 4\nhash-minimum = 4\n'
        'original-envelope = "embedded"\nunprivileged-user = "postsrsd"\nchroot-dir = "/var/lib/postsrsd"\n'
    )


def running(series: str) -> str:
    """A shell command that succeeds where it makes an address of ours of a stranger's, and leads that back."""
    two = [(FORWARD, ""), (REVERSE, "")]
    return program(probe, maps=two if series == "1" else [(SOCKETMAP, "forward"), (SOCKETMAP, "reverse")])
