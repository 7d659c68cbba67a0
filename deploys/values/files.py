"""Files of the workstation that mail.yaml names: read at once and whole, or not at all."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

MOST = 1 << 20  # bytes; no key, certificate or password has a tenth of that


def content(where: Path, most: int = MOST) -> bytes:
    """The bytes of the plain file ``where``.

    OSError, with a ``strerror`` for a person, for anything else: a pipe or a device never ends (/dev/full) or is
    waited for (a FIFO), and a file of more than ``most`` bytes is another one than was meant.
    """
    try:
        handle = os.open(where, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except ValueError:
        raise OSError(errno.EINVAL, "no path holds such a character") from None
    try:
        mode = os.fstat(handle).st_mode
        if not stat.S_ISREG(mode):
            what = "it is a directory" if stat.S_ISDIR(mode) else "it is a pipe or a device"
            raise OSError(errno.EINVAL, what)
        with open(handle, "rb", closefd=False) as file:
            read = file.read(most + 1)
    finally:
        os.close(handle)
    if len(read) > most:
        raise OSError(errno.EFBIG, f"it has more than {most >> 10} KiB")
    return read


def home(text: str) -> Path:
    """``text`` as a path, with ~ and ~user for home directories. ValueError where there is no such user."""
    try:
        return Path(text).expanduser()
    except RuntimeError:
        raise ValueError(
            f"{text} begins with the home directory of a user whom this workstation does not have; write the whole path"
        ) from None
