"""SRS (https://www.libsrs2.net/srs/srs.pdf), by postsrsd: what an alias leads elsewhere goes on under an envelope
sender of ours, since the true one's SPF does not name this host (RFC 7208, 10.3). Same options in, same text out."""

from __future__ import annotations

from collections.abc import Iterable

from deploys.components.postsrsd import probe
from deploys.probes.program import program
from operations.file import File

SECRET = "/etc/postsrsd.secret"  # made once, by the package
SERIES = ("1", "2")  # the first number of postsrsd's version
ENTRANCE = 10027  # of the loopback: where Postfix hands itself a message to be sent on
_FORWARD, _REVERSE, _SOCKETMAP = 10001, 10002, 10003
HEAD = "# Written by Posthaus: the next run undoes changes made here.\n"


def packages() -> tuple[str, ...]:
    """postsrsd."""
    return ("postsrsd",)


def maps(series: str) -> tuple[str, str]:
    """How Postfix asks postsrsd of ``series`` ("1", "2"): for the sender of a message that goes on, for a bounce's way
    back."""
    if series == "1":
        return f"tcp:127.0.0.1:{_FORWARD}", f"tcp:127.0.0.1:{_REVERSE}"
    return f"socketmap:inet:127.0.0.1:{_SOCKETMAP}:forward", f"socketmap:inet:127.0.0.1:{_SOCKETMAP}:reverse"


def known(series: str) -> str:
    """The nearest ``series`` that is known here: of a postsrsd that is not to be had, the first."""
    return series if series in SERIES else SERIES[0]


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
        "SRS_FORWARD_PORT": str(_FORWARD),
        "SRS_REVERSE_PORT": str(_REVERSE),
        "SRS_LISTEN_ADDR": "127.0.0.1",
        "RUN_AS": "postsrsd",
        "CHROOT": "/var/lib/postsrsd",
    }
    return "".join(f"{name}={value}\n" for name, value in settings.items())


def _conf(domains: list[str]) -> str:
    quoted = ", ".join(f'"{domain}"' for domain in domains)
    return (
        f'domains = {{ {quoted} }}\nsrs-domain = "{domains[0]}"\nsocketmap = "inet:127.0.0.1:{_SOCKETMAP}"\n'
        f'secrets-file = "{SECRET}"\nseparator = "="\nhash-length = 4\nhash-minimum = 4\n'
        'original-envelope = "embedded"\nunprivileged-user = "postsrsd"\nchroot-dir = "/var/lib/postsrsd"\n'
    )


def running(series: str) -> str:
    """A shell command that succeeds where it makes an address of ours of a stranger's, and leads that back."""
    two = [(_FORWARD, ""), (_REVERSE, "")]
    return program(probe, ways=two if series == "1" else [(_SOCKETMAP, "forward"), (_SOCKETMAP, "reverse")])
