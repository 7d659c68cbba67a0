"""Where the written mail.yaml goes: onto the workstation, for its owner alone, over nobody's file."""

from __future__ import annotations

import os
from pathlib import Path

from deploys.adopting.write import Written


def put(directory: Path, name: str, made: Written, overwrite: bool = False) -> Path:
    """``NAME.yaml`` in ``directory`` and the files that it names, each 0600; its path.

    FileExistsError, with nothing written, where one of them is there and ``overwrite`` is not said.
    """
    texts = {f"{name}.yaml": made.text, **made.files}
    there = [file for file in texts if (directory / file).exists()]
    if there and not overwrite:
        raise FileExistsError(", ".join(str(directory / file) for file in there))
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    for file in there:
        (directory / file).unlink()
    for file, text in texts.items():
        handle = os.open(directory / file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(handle, "w", encoding="utf-8") as output:
            output.write(text)
    return directory / f"{name}.yaml"
