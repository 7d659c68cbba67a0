"""What outlives the guard: from where which login was right, and who has been shut out before. On the host."""

from __future__ import annotations

import json
import os

from deploys.components.bans.program.count import Count


def read(path: str, count: Count) -> None:
    """Into ``count``. A file that is not there, or is none of ours, says nothing."""
    try:
        with open(path, encoding="utf-8") as file:
            found = json.load(file)
        count.known.update({(str(who), str(login)): float(seen) for who, login, seen in found["known"]})
        count.former.update({str(who): (int(times), float(ends)) for who, times, ends in found["former"]})
    except (OSError, ValueError, KeyError, TypeError):
        return


def write(path: str, count: Count) -> None:
    """Whole or not at all."""
    rows = {
        "known": [[who, login, seen] for (who, login), seen in count.known.items()],
        "former": [[who, times, ends] for who, (times, ends) in count.former.items()],
    }
    with open(f"{path}.new", "w", encoding="utf-8") as file:
        json.dump(rows, file)
    os.replace(f"{path}.new", path)
