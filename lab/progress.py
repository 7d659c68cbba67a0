"""What a person sees while something long runs: one line when it starts, one when it ends, with the seconds it took."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager


def say(text: str) -> None:
    """Print one line at once, on stderr, so that stdout stays for results."""
    print(text, file=sys.stderr, flush=True)


@contextmanager
def step(text: str) -> Iterator[None]:
    """Say ``text`` before the block and the seconds it took after it; an error passes through, named."""
    start = time.monotonic()
    say(f"… {text}")
    try:
        yield
    except BaseException:
        say(f"✗ {text}: failed after {time.monotonic() - start:.0f} s")
        raise
    say(f"✓ {text} ({time.monotonic() - start:.0f} s)")
