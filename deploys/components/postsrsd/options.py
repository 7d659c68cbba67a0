"""Where postsrsd is asked, on the loopback."""

from __future__ import annotations

SERIES = ("1", "2")  # the first number of postsrsd's version
FORWARD, REVERSE = 10001, 10002  # ports of the first series
SOCKETMAP = 10003  # port of the second


def known(series: str) -> str:
    """The nearest ``series`` that is known here: of a postsrsd that is not to be had, the first."""
    return series if series in SERIES else SERIES[0]


def ports(series: str) -> tuple[int, ...]:
    """Where postsrsd of ``series`` answers."""
    return (FORWARD, REVERSE) if series == "1" else (SOCKETMAP,)


def maps(series: str) -> tuple[str, str]:
    """How Postfix asks postsrsd of ``series`` ("1", "2"): for the sender of a message that goes on, for a bounce's way
    back."""
    if series == "1":
        return f"tcp:127.0.0.1:{FORWARD}", f"tcp:127.0.0.1:{REVERSE}"
    return f"socketmap:inet:127.0.0.1:{SOCKETMAP}:forward", f"socketmap:inet:127.0.0.1:{SOCKETMAP}:reverse"
